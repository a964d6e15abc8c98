//! The catalogue that comes with a token: which services there are, and where.

use serde::Deserialize;

#[derive(Deserialize)]
struct Body {
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    catalog: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    interface: String,
    region_id: Option<String>,
    region: Option<String>,
    url: String,
}

/// The URL of a service in a region, if one is named; nothing where there is none. Keystone takes regions for the same in large and
/// small letters.
///
/// # Errors
/// When the body has no catalogue. Quotes nothing of it.
pub(in crate::adapters) fn endpoint(
    body: &[u8],
    kind: &str,
    region: Option<&str>,
    interface: &str,
) -> Result<Option<String>, String> {
    let Body { token } = serde_json::from_slice(body).map_err(|_| "it has no catalogue".to_owned())?;
    let services = token.catalog.into_iter().filter(|service| service.kind == kind);
    let mut found = services.flat_map(|service| service.endpoints).filter(|endpoint| {
        let named = endpoint.region_id.as_deref().or(endpoint.region.as_deref()).unwrap_or_default();
        endpoint.interface == interface && region.is_none_or(|region| named.eq_ignore_ascii_case(region))
    });
    Ok(found.next().map(|endpoint| endpoint.url))
}
