//! The services behind the AWS adapters, in the test process: the SDK runs as it does in production, only its HTTP
//! connector is replaced.

pub mod azure;
pub mod barbican;
pub mod dynamodb;
pub mod keystone;
mod listening;
pub mod origin;
pub mod s3;
pub mod sqs;
pub mod swift;
