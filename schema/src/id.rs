//! Identifiers: sixteen bytes each, one type per thing, never mixed.
//!
//! Ids minted by a person's act are ULIDs (time and chance are handed in by the
//! caller). Ids that several parties must compute alike are the first sixteen bytes
//! of SHA-256 over a versioned label ([`derived`]). This room makes neither time nor
//! chance of its own.

use core::fmt;
use core::str::FromStr;

use minicbor::decode::{Decode, Decoder, Error as DecodeError};
use minicbor::encode::{Encode, Encoder, Error as EncodeError, Write};
use sha2::{Digest, Sha256};

/// What an id or a hash could not be read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid identifier")]
pub struct IdError(pub String);

/// The first sixteen bytes of SHA-256 over `label`, a zero byte and the `parts`,
/// each preceded by its length, so that no two lists of parts run together.
#[must_use]
pub fn derived(label: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(label.as_bytes());
    hash.update([0]);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    id
}

macro_rules! bytes_type {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Reads the bytes of an id; the wrong length is refused.
            ///
            /// # Errors
            /// [`IdError`] when the slice is not exactly as long as the type.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                bytes.try_into().map(Self).map_err(|_| IdError(format!("{} bytes", bytes.len())))
            }

            /// The bytes, as stored in tables and hashed.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
                let at = d.position();
                let bytes = d.bytes()?;
                Self::from_slice(bytes).map_err(|_| DecodeError::message("wrong length of an id").at(at))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
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

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        bytes_type!($(#[$doc])* $name, 16);

        impl $name {
            /// Mints an id from an instant (milliseconds since 1970) and ten random bytes.
            #[must_use]
            pub fn mint(at: crate::time::Timestamp, random: [u8; 10]) -> Self {
                let mut chance = [0; 16];
                chance[6..].copy_from_slice(&random);
                let ms = u64::try_from(at.ms()).unwrap_or(0) & 0xffff_ffff_ffff;
                Self(ulid::Ulid::from_parts(ms, u128::from_be_bytes(chance)).to_bytes())
            }

            /// The instant inside a minted id, in milliseconds since 1970; meaningless for derived ids.
            #[must_use]
            pub fn minted_at_ms(&self) -> i64 {
                i64::try_from(ulid::Ulid::from_bytes(self.0).timestamp_ms()).unwrap_or(i64::MAX)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; ulid::ULID_LEN];
                f.write_str(ulid::Ulid::from_bytes(self.0).array_to_str(&mut text))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            /// Reads the twenty-six upper-case characters of [`Display`](fmt::Display); other spellings are refused,
            /// so one id has one text.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let id = ulid::Ulid::from_string(text).map_err(|_| IdError(text.to_owned()))?;
                let id = Self(id.to_bytes());
                if id.to_string() == text { Ok(id) } else { Err(IdError(text.to_owned())) }
            }
        }
    };
}

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        bytes_type!($(#[$doc])* $name, $len);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut out = [0; $len];
                let lower = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
                if text.len() != 2 * $len || !text.bytes().all(lower) {
                    return Err(IdError(text.to_owned()));
                }
                for (i, byte) in out.iter_mut().enumerate() {
                    *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16)
                        .map_err(|_| IdError(text.to_owned()))?;
                }
                Ok(Self(out))
            }
        }
    };
}

id_type!(
    /// A compound (小区/项目): one or more buildings and the places they share.
    SiteId
);
id_type!(
    /// One building (楼栋), registered or not.
    BuildingId
);
id_type!(
    /// An organisation (单位): street office, police station, brigade, property company …
    OrgId
);
id_type!(
    /// A person (人员); the name and the telephone number stand in a server row only.
    PersonId
);
id_type!(
    /// An enrolled phone or other device (设备).
    DeviceId
);
id_type!(
    /// One immutable record (记录) in a book.
    RecordId
);
id_type!(
    /// One inspection round (检查轮次): a visit, however many colleagues fill it.
    RoundId
);
id_type!(
    /// A command (指令) sent by a phone or the console; it makes a retry harmless.
    CommandId
);
id_type!(
    /// One life of a device's store (设备实例): new after an installation, a restore or a detected clone.
    Incarnation
);
id_type!(
    /// One life of a server's log (服务端纪元): new after every restore.
    Epoch
);
hash_type!(
    /// A document's identity (文档标识), computed from what the document is about.
    DocId,
    16
);
hash_type!(
    /// Who writes one document from one device (文档写入者): derived from device, incarnation, document and n.
    ActorId,
    16
);
hash_type!(
    /// A change's SHA-256 (变更摘要), as automerge computes it over the chunk.
    ChangeHash,
    32
);
hash_type!(
    /// A photo's SHA-256 (照片摘要): its only name.
    BlobHash,
    32
);
hash_type!(
    /// The running hash over a stream (链值): two logs agree up to a position exactly when their chains do.
    Chain,
    16
);

/// The id of a hazard is the id of the record that first reported it.
pub type HazardId = RecordId;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_minted_id_carries_its_instant_and_reads_back_from_its_text() {
        let at = Timestamp::from_ms(1_579_622_400_123);
        let id = RecordId::mint(at, [7; 10]);
        assert_eq!(id.minted_at_ms(), at.ms());
        assert_eq!(id.to_string().parse::<RecordId>(), Ok(id));
    }

    #[test]
    fn an_id_has_one_text_only() {
        let text = RecordId::mint(Timestamp::from_ms(1), [255; 10]).to_string();
        assert!(text.to_lowercase().parse::<RecordId>().is_err());
        assert!("../../etc/passwd".parse::<RecordId>().is_err());
        assert!(format!("{text}\0").parse::<RecordId>().is_err());
    }

    #[test]
    fn parts_of_a_derived_id_do_not_run_together() {
        assert_ne!(derived("x", &[b"ab", b"c"]), derived("x", &[b"a", b"bc"]));
        assert_ne!(derived("x", &[b"ab"]), derived("y", &[b"ab"]));
    }

    #[test]
    fn a_hash_reads_back_from_its_text_and_refuses_capitals() {
        let hash = ChangeHash([0xab; 32]);
        assert_eq!(hash.to_string().parse::<ChangeHash>(), Ok(hash));
        assert!(hash.to_string().to_uppercase().parse::<ChangeHash>().is_err());
    }
}
