#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| eunomia_fuzz::remote_write(data));
