use super::failure::{Fault, classify};
use super::*;

use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

type Error = SdkError<ErrorMetadata, HttpResponse>;

fn answer(status: u16) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())
}

fn service_error(code: &str, status: u16) -> Error {
    SdkError::service_error(ErrorMetadata::builder().code(code).build(), answer(status))
}

#[test]
fn a_fault_is_told_by_its_code_and_status() {
    let refused = |code: &str, status| Fault::Refused { code: code.to_owned(), status };
    let cases = [
        ("ThrottlingException", 400, Fault::Throttled),
        ("ProvisionedThroughputExceededException", 400, Fault::Throttled),
        ("SlowDown", 503, Fault::Throttled),
        ("", 429, Fault::Throttled),
        ("InternalServerError", 500, Fault::Unavailable),
        ("", 503, Fault::Unavailable),
        ("RequestTimeout", 400, Fault::Unavailable),
        ("NotImplemented", 501, refused("NotImplemented", 501)),
        ("NoSuchKey", 404, refused("NoSuchKey", 404)),
        ("", 404, refused("", 404)),
        ("ConditionalCheckFailedException", 400, refused("ConditionalCheckFailedException", 400)),
    ];
    for (code, status, fault) in cases {
        assert_eq!(classify(&service_error(code, status)), fault, "{code} {status}");
    }
}

#[test]
fn a_call_that_did_not_get_through_is_a_passing_fault() {
    let errors: [Error; 4] = [
        SdkError::timeout_error("late"),
        SdkError::dispatch_failure(ConnectorError::io("reset".into())),
        SdkError::dispatch_failure(ConnectorError::timeout("late".into())),
        SdkError::response_error("cut short", answer(200)),
    ];
    for error in errors {
        assert!(classify(&error).is_passing(), "{error:?}");
    }
}

#[test]
fn a_call_that_could_not_be_made_is_broken() {
    let errors: [Error; 2] = [
        SdkError::construction_failure("no credentials"),
        SdkError::dispatch_failure(ConnectorError::user("not an address".into())),
    ];
    for error in errors {
        assert_eq!(classify(&error), Fault::Broken, "{error:?}");
    }
}

#[test]
fn a_cause_shows_what_lies_below() {
    let error: Error = SdkError::dispatch_failure(ConnectorError::io("reset by peer".into()));
    let cause = failure::cause(&error);
    assert!(cause.to_string().contains("reset by peer"), "{cause}");
}

#[tokio::test]
async fn settings_reach_the_sdk() {
    let settings = AwsSettings {
        endpoint: Some("http://127.0.0.1:4567".to_owned()),
        region: Some("eu-west-9".to_owned()),
        ..AwsSettings::default()
    };
    let config = sdk_config(&settings).await;
    assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:4567"));
    assert_eq!(config.region().map(AsRef::as_ref), Some("eu-west-9"));
    assert_eq!(config.retry_config().map(RetryConfig::max_attempts), Some(MAX_ATTEMPTS));
}

#[tokio::test]
async fn without_an_endpoint_the_service_is_awss_own() {
    let settings = AwsSettings { region: Some("eu-west-9".to_owned()), ..AwsSettings::default() };
    let config = sdk_config(&settings).await;
    assert_eq!(config.endpoint_url(), None);
    assert_eq!(config.region().map(AsRef::as_ref), Some("eu-west-9"));
}

/// What a function makes of its variables.
fn told(settings: &AwsSettings, variables: &[(&str, &str)]) -> SdkConfig {
    let value =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    function::told(settings, value)
}

const PLATFORM: [(&str, &str); 4] = [
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_SESSION_TOKEN", "token"),
];

#[tokio::test]
async fn a_function_is_who_the_platform_says() {
    let config = told(&AwsSettings::default(), &PLATFORM);
    assert_eq!(config.region().map(AsRef::as_ref), Some("eu-central-1"));
    assert_eq!(config.endpoint_url(), None);
    assert_eq!(config.retry_config().map(RetryConfig::max_attempts), Some(MAX_ATTEMPTS));
    let credentials = config.credentials_provider().unwrap().provide_credentials().await.unwrap();
    let token = credentials.session_token();
    assert_eq!(
        (credentials.access_key_id(), credentials.secret_access_key(), token),
        ("id", "secret", Some("token"))
    );
}

#[test]
fn settings_have_the_last_word_in_a_function() {
    let settings = AwsSettings {
        endpoint: Some("http://127.0.0.1:4567".to_owned()),
        region: Some("eu-west-9".to_owned()),
        ..AwsSettings::default()
    };
    let config = told(&settings, &[("AWS_ENDPOINT_URL", "http://elsewhere"), ("AWS_REGION", "eu-central-1")]);
    assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:4567"));
    assert_eq!(config.region().map(AsRef::as_ref), Some("eu-west-9"));
    assert!(config.credentials_provider().is_none(), "nobody gave any");
}

#[test]
fn a_function_goes_where_its_variables_point() {
    let variables = [
        ("AWS_ENDPOINT_URL", "http://cloud.test"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "false"),
    ];
    let config = told(&AwsSettings::default(), &variables);
    assert_eq!(config.endpoint_url(), Some("http://cloud.test"));
    assert_eq!(config.region().map(AsRef::as_ref), Some(FALLBACK_REGION));
    assert_eq!((config.use_fips(), config.use_dual_stack()), (Some(true), Some(false)));
}
