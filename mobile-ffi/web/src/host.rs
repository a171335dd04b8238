//! The page as host: its clock, its chance and its letters.
//!
//! Nothing is asked of the browser here directly, so that a test page can set both.

use louan_facade::{Host, Lettering, Letters};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// `{ nowMs(): number, random(count: number): Uint8Array, letter(text: string, px: number): LouanLetters }`.
    #[derive(Clone, Debug)]
    #[wasm_bindgen(typescript_type = "LouanHost")]
    pub type JsHost;

    /// `{ width: number, ink: Uint8Array }`: a line of text drawn, a byte a pixel, row by row.
    #[wasm_bindgen(typescript_type = "LouanLetters")]
    pub type JsLetters;

    // What is thrown here must not go through the core: it would be left borrowed, and every call after it refused.
    #[wasm_bindgen(method, catch)]
    fn letter(this: &JsHost, text: &str, px: u32) -> Result<JsLetters, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    fn width(this: &JsLetters) -> Result<u32, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    fn ink(this: &JsLetters) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(method, js_name = nowMs)]
    fn now_ms(this: &JsHost) -> f64;

    #[wasm_bindgen(method)]
    fn random(this: &JsHost, count: u32) -> Vec<u8>;
}

/// What the page lends, as TypeScript sees it.
#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = "export interface LouanLetters { width: number; ink: Uint8Array; }
export interface LouanHost {
  nowMs(): number;
  random(count: number): Uint8Array;
  letter(text: string, px: number): LouanLetters;
}";

impl Host for JsHost {
    fn now_ms(&self) -> i64 {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a JavaScript clock counts whole milliseconds below 2^53"
        )]
        {
            Self::now_ms(self) as i64
        }
    }

    fn random(&self, count: u32) -> Vec<u8> {
        Self::random(self, count)
    }
}

impl Lettering for JsHost {
    fn letter(&self, text: &str, px: u32) -> Letters {
        // A browser that cannot draw leaves the letters out; the photo is taken all the same.
        let drawn = || {
            let drawn = Self::letter(self, text, px)?;
            Ok::<_, JsValue>(Letters { width: drawn.width()?, height: px, ink: drawn.ink()? })
        };
        drawn().unwrap_or(Letters { width: 0, height: px, ink: Vec::new() })
    }
}
