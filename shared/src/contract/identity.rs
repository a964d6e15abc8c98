//! What every [`Identity`] does. Each case takes an identity and a token that is good there.

#![expect(clippy::unwrap_used, reason = "a suite fails by panicking, as tests do")]

use futures_util::future::join_all;

use crate::ports::{Identity, Tokens};

/// Runs every case of the suite as a test of its own. Takes an async function that answers an identity and a good token.
#[macro_export]
macro_rules! identity_contract {
    ($fresh:path) => {
        $crate::identity_contract! { @each $fresh:
            a_good_token_tells_a_caller_with_roles
            the_same_token_tells_the_same_caller
            callers_are_told_side_by_side
        }
    };
    (@each $fresh:path: $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (identity, token) = $fresh().await;
                $crate::contract::identity::$case(&identity, token).await;
            }
        )*
    };
}

/// Whoever is let in can do something.
pub async fn a_good_token_tells_a_caller_with_roles(identity: &dyn Identity, token: &str) {
    let caller = identity.identify(Tokens::user(token)).await.unwrap();
    assert!(caller.has_role("admin") || caller.has_role("member") || caller.has_role("reader"), "{caller:?}");
}

/// Asking again changes nothing.
pub async fn the_same_token_tells_the_same_caller(identity: &dyn Identity, token: &str) {
    let first = identity.identify(Tokens::user(token)).await.unwrap();
    assert_eq!(identity.identify(Tokens::user(token)).await.unwrap(), first);
}

/// Requests do not wait for, or mix with, each other.
pub async fn callers_are_told_side_by_side(identity: &dyn Identity, token: &str) {
    let expected = identity.identify(Tokens::user(token)).await.unwrap();
    for caller in join_all((0..50).map(|_| identity.identify(Tokens::user(token)))).await {
        assert_eq!(caller.unwrap(), expected);
    }
}
