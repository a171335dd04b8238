//! Query strings, read strictly: a name that is not known, or stands twice, is refused.
//!
//! Every fault is found at once and named as `?name`. Pages are bounded whatever is asked (R07).

use std::collections::BTreeMap;

use warp::Filter;

use super::api_error::{ApiError, FieldError};

/// Rows of a page when nothing is said.
const PAGE_SIZE: u64 = 50;
/// Most rows of a page.
pub(super) const PAGE_SIZE_MAX: u64 = 500;
/// Last page that can be asked for: the offset stays a number.
const PAGE_MAX: u64 = 1_000_000;

/// The raw query string; nothing: an empty one.
pub(super) fn raw()
-> impl Filter<Extract = (String,), Error = std::convert::Infallible> + Clone + Send + Sync + 'static {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

/// The parameters of a query string, being read.
pub(super) struct Parameters {
    given: BTreeMap<String, String>,
    faults: Vec<FieldError>,
}

/// A page asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageAsked {
    pub(super) page: u64,
    pub(super) page_size: u64,
}

impl PageAsked {
    pub(super) const fn offset(self) -> u64 {
        (self.page - 1) * self.page_size
    }
}

impl Parameters {
    /// Splits a query string.
    pub(super) fn of(raw: &str) -> Self {
        let mut given = BTreeMap::new();
        let mut faults = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            if given.insert(name.to_string(), value.into_owned()).is_some() {
                faults.push(fault(&name, "repeated", "参数重复"));
            }
        }
        Self { given, faults }
    }

    /// A parameter that may be absent.
    pub(super) fn find<T>(
        &mut self,
        name: &str,
        code: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.given.remove(name)?;
        let value = read(&text);
        if value.is_none() {
            self.faults.push(fault(name, code, "参数不正确"));
        }
        value
    }

    /// `page` from 1, `page_size` up to 500; more is cut, not refused.
    pub(super) fn page(&mut self) -> PageAsked {
        let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0);
        let page = self.find("page", "page", number).unwrap_or(1).min(PAGE_MAX);
        let page_size = self.find("page_size", "page_size", number).unwrap_or(PAGE_SIZE).min(PAGE_SIZE_MAX);
        PageAsked { page, page_size }
    }

    /// Ends reading: whatever was not asked for is not known.
    pub(super) fn finish(mut self) -> Result<(), ApiError> {
        self.faults.extend(self.given.keys().map(|name| fault(name, "unknown", "未知参数")));
        if self.faults.is_empty() { Ok(()) } else { Err(ApiError::fields(self.faults)) }
    }
}

fn fault(name: &str, code: &'static str, detail: &str) -> FieldError {
    // A name is a caller's text: shown cut, and never as anything but text.
    let shown: String = name.chars().take(40).collect();
    FieldError { pointer: format!("?{shown}"), code, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_query_is_named_at_once() {
        let mut parameters = Parameters::of("page=0&street=x&street=y&colour=red");
        parameters.page();
        parameters.find("street", "street", |text| text.parse::<u32>().ok());
        let error = parameters.finish().expect_err("four faults");
        let found: Vec<(&str, &str)> = error.errors.iter().map(|e| (e.pointer.as_str(), e.code)).collect();
        let wanted =
            [("?street", "repeated"), ("?page", "page"), ("?street", "street"), ("?colour", "unknown")];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_page_is_bounded_whatever_is_asked() {
        for (raw, page, page_size) in [
            ("", 1, 50),
            ("page=3&page_size=20", 3, 20),
            ("page_size=1000000000", 1, 500),
            ("page=18446744073709551615&page_size=500", PAGE_MAX, 500),
        ] {
            let mut parameters = Parameters::of(raw);
            let asked = parameters.page();
            assert_eq!((asked.page, asked.page_size), (page, page_size), "{raw}");
            assert_eq!(asked.offset(), (page - 1) * page_size);
            parameters.finish().expect("no faults");
        }
    }
}
