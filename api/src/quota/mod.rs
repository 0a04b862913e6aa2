//! Quotas, in the words of the schema.

mod mutation;
#[cfg(test)]
mod tests;

pub(crate) use mutation::QuotaMutation;
