//! Answers to the ports. An adapter knows its engine and its port, and no rule.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "azblob")]
pub mod azblob;
#[cfg(feature = "signatures")]
pub mod barbican;
pub mod configured;
#[cfg(any(feature = "azblob", feature = "keystone", feature = "signatures"))]
mod connections;
#[cfg(feature = "signatures")]
pub mod directory;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "egress")]
pub mod egress;
#[cfg(feature = "file")]
pub mod file;
pub mod http_store;
#[cfg(any(feature = "keystone", feature = "signatures"))]
mod https;
pub mod in_process;
#[cfg(feature = "keystone")]
pub mod keystone;
#[cfg(feature = "memory")]
pub mod memory;
pub mod none;
#[cfg(any(feature = "azblob", feature = "s3", feature = "swift"))]
mod objects;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "sealing")]
pub mod sealing;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "swift")]
pub mod swift;
pub mod system;
#[cfg(feature = "https")]
mod tls;
