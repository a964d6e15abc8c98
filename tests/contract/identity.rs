//! Every adapter that tells who calls.

#![expect(clippy::unused_async, reason = "a factory may have to connect")]

mod none {
    use shared::adapters::none::NoIdentity;
    use shared::ports::{Identity as _, Tokens};

    async fn fresh() -> (NoIdentity, &'static str) {
        (NoIdentity::new("admin".parse().unwrap()), "anything")
    }

    shared::identity_contract!(fresh);

    #[tokio::test]
    async fn everybody_is_the_administrator_of_one_project() {
        let (identity, _) = fresh().await;
        let caller = identity.identify(Tokens::default()).await.unwrap();
        assert_eq!(caller.project().map(ToString::to_string).as_deref(), Some("admin"));
        assert!(["admin", "member", "reader"].iter().all(|role| caller.has_role(role)));
    }
}

mod keystone;
mod keystone_tls;
mod regions;
