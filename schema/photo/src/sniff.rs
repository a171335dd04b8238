//! What a file is, told by its first bytes and never by its name (P04).
//!
//! Three formats are taken. The others are told apart so that a person reads "这是 HEIC" and not "unknown"; telling
//! them apart decides nothing else, and a file that pretends to be a JPEG meets the decoder's limits like any JPEG.

/// What a file looks like (文件格式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Taken.
    Jpeg,
    /// Taken.
    Png,
    /// Taken, when it does not move.
    WebP,
    /// A WebP with frames: no photo.
    AnimatedWebP,
    /// What iPhones write unless told otherwise; the phone's own picker converts it.
    Heic,
    /// Its cousin.
    Avif,
    /// Also what most raw files are.
    Tiff,
    /// No photo.
    Gif,
    /// No photo any more.
    Bmp,
    /// A document that can carry programs.
    Svg,
    /// JPEG XL.
    JpegXl,
    /// JPEG 2000.
    Jpeg2000,
    /// An icon.
    Ico,
    /// A Photoshop file.
    Psd,
    /// A document.
    Pdf,
    /// An archive, or an office document.
    Zip,
    /// A page.
    Html,
    /// A film.
    Video,
    /// No bytes at all.
    Empty,
    /// None of these.
    Unknown,
}

impl Format {
    /// Whether it is taken as a photo.
    #[must_use]
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::WebP)
    }

    /// Its name, for people and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::AnimatedWebP => "animated WebP",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
            Self::Tiff => "TIFF",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Svg => "SVG",
            Self::JpegXl => "JPEG XL",
            Self::Jpeg2000 => "JPEG 2000",
            Self::Ico => "ICO",
            Self::Psd => "PSD",
            Self::Pdf => "PDF",
            Self::Zip => "ZIP",
            Self::Html => "HTML",
            Self::Video => "video",
            Self::Empty => "an empty file",
            Self::Unknown => "an unknown format",
        }
    }
}

/// Magic bytes at the start. TIFF before the rest of the two-byte marks, and those last: they say little.
const MAGIC: &[(&[u8], Format)] = &[
    (&[0xff, 0xd8, 0xff], Format::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"II*\0", Format::Tiff),
    (b"MM\0*", Format::Tiff),
    (b"II+\0", Format::Tiff),
    (b"MM\0+", Format::Tiff),
    (b"GIF87a", Format::Gif),
    (b"GIF89a", Format::Gif),
    (b"8BPS", Format::Psd),
    (b"%PDF-", Format::Pdf),
    (b"PK\x03\x04", Format::Zip),
    (b"\x1aE\xdf\xa3", Format::Video),
    (b"\0\0\x01\0", Format::Ico),
    (b"\xff\x0a", Format::JpegXl),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Format::JpegXl),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Format::Jpeg2000),
    (b"\xff\x4f\xff\x51", Format::Jpeg2000),
    (b"BM", Format::Bmp),
];

/// What the bytes look like.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Format {
    if bytes.is_empty() {
        return Format::Empty;
    }
    if bytes.starts_with(b"RIFF") {
        return match bytes.get(8..12) {
            Some(b"WEBP") => webp(bytes),
            Some(b"AVI ") => Format::Video,
            _ => Format::Unknown,
        };
    }
    if let Some(brand) = bytes.get(4..8).filter(|b| *b == b"ftyp").and_then(|_| bytes.get(8..12)) {
        return match brand {
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Format::Heic,
            b"avif" | b"avis" => Format::Avif,
            b"crx " => Format::Tiff,
            _ => Format::Video,
        };
    }
    let known = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, format)| *format);
    known.unwrap_or_else(|| markup(bytes))
}

/// A WebP moves when the second bit of its extended header says so.
fn webp(bytes: &[u8]) -> Format {
    let extended = bytes.get(12..16) == Some(b"VP8X");
    let moves = bytes.get(20).is_some_and(|flags| flags & 0b10 != 0);
    if extended && moves { Format::AnimatedWebP } else { Format::WebP }
}

/// Texts that begin with a mark-up language, after a byte order mark and blanks.
fn markup(bytes: &[u8]) -> Format {
    let start = &bytes[..bytes.len().min(1024)];
    let text = String::from_utf8_lossy(start).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('<') && text.contains("<svg") {
        Format::Svg
    } else if ["<!doctype html", "<html", "<script", "<head", "<body"].iter().any(|tag| text.starts_with(tag))
    {
        Format::Html
    } else {
        Format::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_formats_are_taken_and_twenty_others_are_called_by_name() {
        let table: [(&[u8], Format); 27] = [
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Format::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Format::Png),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Format::WebP),
            (b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0", Format::WebP),
            (b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x12\0\0\0", Format::AnimatedWebP),
            (b"RIFF\x24\0\0\0AVI LIST", Format::Video),
            (b"RIFF\x24\0\0\0WAVEfmt ", Format::Unknown),
            (b"\0\0\0\x18ftypheic\0\0\0\0", Format::Heic),
            (b"\0\0\0\x18ftypmif1\0\0\0\0", Format::Heic),
            (b"\0\0\0\x18ftypavif\0\0\0\0", Format::Avif),
            (b"\0\0\0\x18ftypmp42\0\0\0\0", Format::Video),
            (b"II*\0\x08\0\0\0", Format::Tiff),
            (b"MM\0*\0\0\0\x08", Format::Tiff),
            (b"GIF89a\x01\0\x01\0", Format::Gif),
            (b"BM\x36\0\0\0", Format::Bmp),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", Format::Svg),
            (b"\xef\xbb\xbf\n<?xml version=\"1.0\"?><!-- x --><SVG onload=\"x\">", Format::Svg),
            (b"\xff\x0a\xfa\x1f", Format::JpegXl),
            (b"\0\0\0\x0cJXL \r\n\x87\n", Format::JpegXl),
            (b"\0\0\0\x0cjP  \r\n\x87\n", Format::Jpeg2000),
            (b"\0\0\x01\0\x01\0\x10\x10", Format::Ico),
            (b"8BPS\0\x01", Format::Psd),
            (b"%PDF-1.7", Format::Pdf),
            (b"PK\x03\x04\x14\0", Format::Zip),
            (b"<!DOCTYPE html><html>", Format::Html),
            (b"MZ\x90\0", Format::Unknown),
            (b"", Format::Empty),
        ];
        for (bytes, format) in table {
            assert_eq!(sniff(bytes), format, "{bytes:?}");
        }
        let taken = table.iter().filter(|(_, format)| format.is_taken()).count();
        assert_eq!(taken, 4);
    }
}
