//! Codes of the taxonomy and of the check catalogue: small numbers in records, short texts for people.
//!
//! A code that is well formed need not exist: ask [`super::Policy`] for the leaf or the item. What is not well
//! formed is refused on reading, so no later layer meets a code that cannot be printed.

use core::fmt;
use core::str::FromStr;

use minicbor::decode::{Decode, Decoder, Error as DecodeError};
use minicbor::encode::{Encode, Encoder, Error as EncodeError, Write};

use crate::code::{CodeError, HazardArea, ItemGroup};

/// Numbers within one area or group run from 1 to 99.
const PER_GROUP_MAX: u16 = 99;

macro_rules! catalogue_code {
    ($(#[$doc:meta])* $name:ident, $group:ident, $group_doc:literal, $separator:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u16);

        impl $name {
            /// The code with this wire number, if it is well formed.
            #[must_use]
            pub const fn new(number: u16) -> Option<Self> {
                let group = number / 100;
                #[allow(clippy::cast_possible_truncation, reason = "compared with 255 first")]
                let known = group <= 255 && $group::from_number(group as u8).is_some();
                if known && number % 100 != 0 && number % 100 <= PER_GROUP_MAX { Some(Self(number)) } else { None }
            }

            /// The wire number: hundreds are the area or group, the rest runs within it.
            #[must_use]
            pub const fn number(self) -> u16 {
                self.0
            }

            #[doc = $group_doc]
            #[must_use]
            pub const fn group(self) -> $group {
                #[allow(clippy::cast_possible_truncation, reason = "new() admits known groups only")]
                match $group::from_number((self.0 / 100) as u8) {
                    Some(group) => group,
                    None => $group::ALL[0],
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}{:02}", self.group(), $separator, self.0 % 100)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = CodeError;
            /// Reads exactly the text of [`Display`](fmt::Display); other spellings are refused, so one code has one text.
            fn from_str(text: &str) -> Result<Self, CodeError> {
                let refused = || CodeError { list: stringify!($name), found: text.to_owned() };
                let (group, rest) = text.split_once($separator).ok_or_else(refused)?;
                let group: $group = group.parse().map_err(|_| refused())?;
                let rest: u16 = rest.parse().map_err(|_| refused())?;
                let number = u16::from(group.number()).saturating_mul(100).saturating_add(rest);
                Self::new(number).filter(|code| code.to_string() == text).ok_or_else(refused)
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
                e.u16(self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
                let at = d.position();
                Self::new(d.u16()?)
                    .ok_or_else(|| DecodeError::message(concat!("ill-formed ", stringify!($name))).at(at))
            }
        }

        impl<C> minicbor::CborLen<C> for $name {
            fn cbor_len(&self, ctx: &mut C) -> usize {
                minicbor::CborLen::cbor_len(&self.0, ctx)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

catalogue_code!(
    /// The code of a leaf of the taxonomy (隐患代码): `H1.01` is 101 on the wire.
    HazardCode,
    HazardArea,
    "The area the leaf belongs to.",
    "."
);
catalogue_code!(
    /// The code of a check item (检查项目代码): `Q1-01` is 101 on the wire, `F-01` is 701, `W-01` 1001.
    ItemCode,
    ItemGroup,
    "The group the item belongs to.",
    "-"
);

impl HazardCode {
    /// Whether this is the 其他 (“等”) leaf of its area, which means nothing without a text.
    #[must_use]
    pub const fn is_other(self) -> bool {
        self.0 % 100 == PER_GROUP_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_one_number_and_one_text() {
        for (text, number) in [("H1.01", 101), ("H6.99", 699), ("H2.23", 223)] {
            let code: HazardCode = text.parse().expect("a code");
            assert_eq!((code.number(), code.to_string().as_str()), (number, text));
            assert_eq!(HazardCode::new(number), Some(code));
            let bytes = minicbor::to_vec(code).expect("a number");
            assert_eq!(bytes, minicbor::to_vec(number).expect("a number"));
            assert_eq!(minicbor::decode::<HazardCode>(&bytes).expect("a code"), code);
        }
        for (text, number) in
            [("Q1-01", 101), ("Q2-13", 213), ("Q3-08", 308), ("L1-01", 401), ("L2-03", 503), ("L3-04", 604)]
        {
            assert_eq!(text.parse::<ItemCode>().expect("a code").number(), number);
        }
        for (text, number) in [("F-15", 715), ("E-08", 808), ("M-11", 911), ("W-04", 1004)] {
            assert_eq!(ItemCode::new(number).expect("a code").to_string(), text);
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in
            ["H7.01", "H0.01", "H1.00", "H1.1", "H1.100", "h1.01", "H1-01", "H1.+1", "", "H1.01 ", "H1.99.1"]
        {
            assert!(text.parse::<HazardCode>().is_err(), "{text}");
        }
        for text in ["Q4-01", "Q1.01", "F-1", "F1-01", "-01", "W-00", "Q1-01/2"] {
            assert!(text.parse::<ItemCode>().is_err(), "{text}");
        }
        for number in [0, 1, 99, 100, 700, 65_535] {
            assert_eq!(HazardCode::new(number), None, "{number}");
            let bytes = minicbor::to_vec(number).expect("a number");
            assert!(minicbor::decode::<HazardCode>(&bytes).is_err());
        }
    }

    #[test]
    fn only_the_ninety_ninth_leaf_is_the_other_one() {
        assert!(HazardCode::new(499).is_some_and(HazardCode::is_other));
        assert!(!HazardCode::new(415).is_some_and(HazardCode::is_other));
    }
}
