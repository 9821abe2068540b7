//! `lastbeat_checks::document` under the fuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lastbeat_checks::document::check(bytes));
