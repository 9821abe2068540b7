//! `lastbeat_checks::answer` under the fuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lastbeat_checks::answer::check(bytes));
