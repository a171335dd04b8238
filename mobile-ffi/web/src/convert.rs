//! Between JavaScript's objects and the facade's records: JSON, both ways.
//!
//! A failure is thrown as a plain object `{kind, detail, faults?}`: unlike an `Error` it
//! crosses from the worker to the page whole.

use js_sys::JSON;
use louan_facade::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

/// A result as JavaScript takes it.
pub(crate) fn given<T: Serialize>(result: Result<T, Failure>) -> Result<JsValue, JsValue> {
    match result {
        Ok(value) => object(&value),
        Err(failure) => Err(thrown(&failure)),
    }
}

/// What to throw for a failure.
pub(crate) fn thrown(failure: &Failure) -> JsValue {
    object(failure).unwrap_or_else(|error| error)
}

/// A bug of the caller or of this program, to throw.
pub(crate) fn bug(detail: impl Into<String>) -> JsValue {
    thrown(&Failure::Bug { detail: detail.into() })
}

/// An object handed in.
pub(crate) fn taken<T: DeserializeOwned>(value: &JsValue) -> Result<T, JsValue> {
    let text = JSON::stringify(value).map_err(|_| bug("an argument is not plain data"))?;
    serde_json::from_str(&String::from(text))
        .map_err(|error| bug(format!("an argument does not fit: {error}")))
}

fn object<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    let text = serde_json::to_string(value).map_err(|error| JsValue::from_str(&error.to_string()))?;
    JSON::parse(&text)
}
