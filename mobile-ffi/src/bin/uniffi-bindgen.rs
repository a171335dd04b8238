//! Writes the Kotlin, Swift and Python bindings from the built library.
//!
//! UniFFI's own command, of the version the library was built with: a generator of another
//! version refuses at run time.

fn main() {
    uniffi::uniffi_bindgen_main();
}
