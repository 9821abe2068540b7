//! Every check over its corpus and over generated inputs.
#![cfg(test)]

mod corpus;
mod mutation;
