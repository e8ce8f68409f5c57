//! Rules about other ways of serving an endpoint's requests. Each tells of the ways of its name; which one is recommended was worked out for all of them together (`advise`).

pub(crate) mod advise;
pub mod endpoint_fits_async;
pub mod endpoint_fits_batch;
pub mod endpoint_fits_serverless;
pub mod endpoint_oversized;
pub mod endpoints_fit_multi_model;
pub(crate) mod groups;
mod image;
mod moving;
mod verdict;
mod workload;

#[cfg(test)]
mod tests;
