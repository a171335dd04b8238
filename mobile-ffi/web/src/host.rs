//! The page as host: its clock and its chance.
//!
//! Nothing is asked of the browser here directly, so that a test page can set both.

use louan_facade::Host;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// `{ nowMs(): number, random(count: number): Uint8Array }`.
    #[wasm_bindgen(typescript_type = "LouanHost")]
    pub type JsHost;

    #[wasm_bindgen(method, js_name = nowMs)]
    fn now_ms(this: &JsHost) -> f64;

    #[wasm_bindgen(method)]
    fn random(this: &JsHost, count: u32) -> Vec<u8>;
}

/// What the page lends, as TypeScript sees it.
#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = "export interface LouanHost { nowMs(): number; random(count: number): Uint8Array; }";

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
