//! What the rooms behind refuse with, as problems: each error once, with the words of whoever asked.
//!
//! What a 5xx is about goes to the log once, here, and not to the caller. No status stands here.

use std::error::Error;
use std::io::{self, ErrorKind};

use rust_xlsxwriter::XlsxError;

use super::api_error::{ApiError, Problem};
use crate::auth::AuthError;
use crate::hub::{StorageError, SyncError};
use crate::photo::{BlobError, PhotoError, Unfit};
use crate::report::ReportError;
use crate::report::workbook::WorkbookError;
use crate::unsent::UnsentError;

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Credentials => Problem::BadCredentials.into(),
            AuthError::TooOften(later) => Self::later(Problem::TooOften, later.after_ms),
            AuthError::NoSession => Problem::SignInAgain.into(),
            AuthError::CodeUnknown => Problem::CodeUnknown.into(),
            AuthError::CodeSpent => Problem::CodeSpent.into(),
            AuthError::PublicKey => Self::field("/public_key", "public_key", "不是 P-256 公钥"),
            AuthError::Busy => Self::later(Problem::Overloaded, 2_000),
            AuthError::Storage(error) => error.into(),
        }
    }
}

/// Between two tries that failed one waits 8 s at most, for an address a minute at most: what is longer is an account
/// that is shut.
const SHUT_FROM_MS: i64 = 60_001;

/// Why somebody could not sign in. An account that is shut is no haste: who waits has typed a wrong password five times.
pub(super) fn not_signed_in(error: AuthError) -> ApiError {
    match error {
        AuthError::TooOften(later) if later.after_ms >= SHUT_FROM_MS => {
            ApiError::later(Problem::SignInPaused, later.after_ms)
        }
        other => other.into(),
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Moved => Self::later(Problem::Overloaded, 1_000),
            StorageError::Stopped => logged(&error, Self::later(Problem::Unavailable, 60_000)),
            _ => logged(&error, Problem::Internal.into()),
        }
    }
}

impl From<PhotoError> for ApiError {
    fn from(error: PhotoError) -> Self {
        match error {
            PhotoError::Unknown => Problem::NotFound.into(),
            PhotoError::Ended => Problem::UploadEnded.into(),
            PhotoError::Offset(_) => Problem::OffsetMoved.into(),
            PhotoError::Checksum => Problem::ChecksumMismatch.into(),
            PhotoError::TooLong => Problem::TooLarge.into(),
            PhotoError::Card => Self::field("/Upload-Metadata", "card", "照片卡与照片不符"),
            PhotoError::OtherBytes => Problem::OtherBytes.into(),
            PhotoError::Refused(unfit) => {
                let errors = Self::field("/", unfit.code(), why(unfit)).errors;
                Self { code: Some(unfit.code()), errors, ..Problem::PictureRefused.into() }
            }
            PhotoError::Quota => Problem::Quota.into(),
            PhotoError::Later => Self::later(Problem::Overloaded, 2_000),
            PhotoError::Blob(BlobError::Full) => logged(&BlobError::Full, Problem::DiskFull.into()),
            PhotoError::Blob(error) => logged(&error, Self::later(Problem::Unavailable, 60_000)),
            PhotoError::Storage(error) => error.into(),
        }
    }
}

/// Why a picture is not taken, and what helps. Only what no second try can mend asks for another picture: the place may
/// look different by now.
const fn why(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Unsupported => "不是可接收的照片格式，请改存为 JPEG 后重新添加，或用手机相机重新拍摄。",
        Unfit::FileTooLarge => "照片文件过大，请压缩后重新添加，或用较低的分辨率重新拍摄。",
        Unfit::ImageTooLarge => "照片尺寸过大，请缩小后重新添加，或用较低的分辨率重新拍摄。",
        Unfit::Truncated => "照片文件不完整，请重新上传；仍不行再重新拍摄。",
        Unfit::Damaged => "照片文件已损坏，请重新上传；仍不行再重新拍摄。",
        Unfit::NotPlain => "照片文件中夹带了图像以外的内容，请更新应用后重新上传。",
    }
}

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> Self {
        let problem = if is_full(&error) { Problem::DiskFull } else { Problem::FileFailed };
        logged(&error, problem.into())
    }
}

/// Whether anything in the chain of causes is a disk without room.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        let of_disk = match inner.downcast_ref::<XlsxError>() {
            // It shows this one as its own and does not name it as its cause.
            Some(XlsxError::IoError(error)) => Some(error),
            _ => inner.downcast_ref::<io::Error>(),
        };
        if of_disk.is_some_and(|error| error.kind() == ErrorKind::StorageFull) {
            return true;
        }
        cause = inner.source();
    }
    false
}

impl From<WorkbookError> for ApiError {
    fn from(error: WorkbookError) -> Self {
        ReportError::from(error).into()
    }
}

impl From<UnsentError> for ApiError {
    fn from(error: UnsentError) -> Self {
        match error {
            UnsentError::Fault(_) => {
                Self::field("/", "unsent", "不是完整的未上传数据包，或由更高版本的应用生成")
            }
            UnsentError::UnknownDevice => Self::field("/", "device", "数据包来自未在本系统登记的设备"),
            UnsentError::Signature => Self::field("/", "signature", "数据包内容与设备签名不符，可能已被改动"),
            UnsentError::Sync(error) => carried(error.into()),
            UnsentError::Photo(error) => carried(error.into()),
            UnsentError::Storage(error) => error.into(),
        }
    }
}

/// What a file brought by hand was refused for: nothing goes on by itself, and who brought it holds no phone.
fn carried(error: ApiError) -> ApiError {
    let says = match error.problem {
        Problem::Quota => "这张照片未导入，已导入的内容不受影响。请明日再次导入此数据包。",
        Problem::PictureRefused | Problem::OtherBytes => {
            "这张照片未导入，数据包中的其他内容不受影响。请在原手机上查看这张照片，或联系系统运行单位。"
        }
        Problem::UpdateApp => {
            "这部分内容未导入，数据包文件完好。请更新原手机上的应用后重新导出；已是最新版本的，请联系系统运行单位。"
        }
        _ => return error,
    };
    ApiError { says: Some(says), ..error }
}

impl From<SyncError> for ApiError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::UnknownDevice => Problem::SignInAgain.into(),
            SyncError::Protocol(_) => Problem::UpdateApp.into(),
            SyncError::WrongStream(_) => Problem::NotFound.into(),
            SyncError::TooMuch => Problem::TooLarge.into(),
            SyncError::Storage(error) => error.into(),
        }
    }
}

/// Writes the chain of causes to the log, once, at the edge.
fn logged(error: &dyn Error, answer: ApiError) -> ApiError {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        chain.push_str(": ");
        chain.push_str(&inner.to_string());
        cause = inner.source();
    }
    tracing::error!(code = answer.code(), error = chain, "a request failed");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::throttle::TryLater;

    #[test]
    fn an_account_that_is_shut_is_told_so_with_the_minutes_left() {
        for (after_ms, code, part) in [
            (900_000, "sign_in_paused", "请在约 15 分钟后重试"),
            (60_001, "sign_in_paused", "请在约 2 分钟后重试"),
            (60_000, "too_often", "请稍后再试"),
            (8_000, "too_often", "请稍后再试"),
        ] {
            let error = not_signed_in(AuthError::TooOften(TryLater { after_ms }));
            assert_eq!(error.code(), code, "{after_ms}");
            assert!(error.detail().contains(part), "{after_ms}: {}", error.detail());
            assert_eq!(error.wait().is_none(), code == "sign_in_paused", "the wait is said once");
        }
        let enrolment = ApiError::from(AuthError::TooOften(TryLater { after_ms: 360_000 }));
        assert_eq!(enrolment.code(), "too_often");
    }

    #[test]
    fn a_picture_is_refused_with_a_sentence_of_its_own() {
        let all = [
            Unfit::Unsupported,
            Unfit::FileTooLarge,
            Unfit::ImageTooLarge,
            Unfit::Truncated,
            Unfit::Damaged,
            Unfit::NotPlain,
        ];
        for (at, unfit) in all.into_iter().enumerate() {
            let error = ApiError::from(PhotoError::Refused(unfit));
            let [told] = &error.errors[..] else { panic!("{unfit:?}: {:?}", error.errors) };
            assert_eq!((error.code(), told.code), (unfit.code(), unfit.code()));
            assert!(told.detail.ends_with('。') && all[..at].iter().all(|other| why(*other) != told.detail));
        }
    }

    #[test]
    fn only_a_disk_without_room_is_called_full() {
        let io = |kind: ErrorKind| io::Error::from(kind);
        for (error, problem) in [
            (ReportError::Io(io(ErrorKind::StorageFull)), Problem::DiskFull),
            (ReportError::Io(io(ErrorKind::PermissionDenied)), Problem::FileFailed),
            (ReportError::Map(Box::new(io(ErrorKind::StorageFull))), Problem::DiskFull),
            (ReportError::Map("no map".into()), Problem::FileFailed),
            (WorkbookError::from(XlsxError::IoError(io(ErrorKind::StorageFull))).into(), Problem::DiskFull),
            (WorkbookError::from(XlsxError::RowColumnLimitError).into(), Problem::FileFailed),
        ] {
            let told = error.to_string();
            assert_eq!(ApiError::from(error).problem, problem, "{told}");
        }
    }

    #[test]
    fn what_is_brought_by_hand_is_told_to_be_brought_again() {
        let error = ApiError::from(UnsentError::Photo(PhotoError::Quota));
        assert!(error.problem == Problem::Quota && error.detail().contains("请明日再次导入此数据包"));
        let own = ApiError::from(PhotoError::Quota);
        assert!(own.detail().contains("自动继续上传"));
    }
}
