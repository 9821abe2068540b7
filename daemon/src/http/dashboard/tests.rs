//! The pages with rows of every kind.
