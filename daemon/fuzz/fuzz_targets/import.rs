//! `lastbeat_checks::import` under the fuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lastbeat_checks::import::check(bytes));
