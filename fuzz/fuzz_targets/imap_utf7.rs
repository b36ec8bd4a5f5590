#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mailwright_fuzz::imap_utf7(data));
