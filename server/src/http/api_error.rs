//! What goes wrong, in one table: problem code, status, title. Statuses stand nowhere else.
//!
//! Bodies are RFC 9457 (`application/problem+json`). The codes are a closed list; a client
//! decides by them and never by prose. What the rooms behind refuse with becomes one of these in `refused`.

use std::borrow::Cow;

use http::StatusCode;
use louan_schema::wire::Code;
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

/// tus 1.0, checksum extension; not in HTTP's own list.
const CHECKSUM_MISMATCH: StatusCode = match StatusCode::from_u16(460) {
    Ok(status) => status,
    Err(_) => StatusCode::BAD_REQUEST,
};

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:expr, $code:literal, $title:literal, $detail:literal;)*) => {
        /// A kind of problem (问题类型).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Problem { $($(#[$doc])* $name,)* }

        impl Problem {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code a client decides by.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The one status it has.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => $status),* }
            }

            /// What happened, for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// Whether data is safe, and what to do next.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$name => $detail),* }
            }
        }
    };
}

problems! {
    /// The request cannot be read.
    Malformed = StatusCode::BAD_REQUEST, "malformed", "请求无法读取", "请求格式有误，未作任何改动。请更新应用后重试；自行对接的，请核对接口文档。";
    /// Fields are wrong; `errors` says which.
    Invalid = StatusCode::UNPROCESSABLE_ENTITY, "invalid", "内容有误", "未作任何改动。请按提示改正后重新提交。";
    /// No session, or one that has ended.
    SignInAgain = StatusCode::UNAUTHORIZED, "sign_in_again", "需要重新登录", "登录已失效，本机未提交的内容不受影响。请重新登录。";
    /// Account and password do not fit.
    BadCredentials = StatusCode::UNAUTHORIZED, "bad_credentials", "账号或密码不正确", "未登录，数据未受影响。请核对后重试；连续五次不正确将暂停登录十五分钟。";
    /// The account is shut for a while.
    SignInPaused = StatusCode::TOO_MANY_REQUESTS, "sign_in_paused", "登录已暂停", "密码连续五次不正确，数据未受影响。请稍后重试；忘记密码的，请联系系统运行单位。";
    /// Visible, but not for this role.
    NotPermitted = StatusCode::FORBIDDEN, "not_permitted", "无此权限", "未作任何改动。如工作需要，请联系系统运行单位。";
    /// A browser sent it from somebody else's page.
    CrossOrigin = StatusCode::FORBIDDEN, "cross_origin", "请求来源不符", "未作任何改动。请关闭此页面，从本系统的页面重新操作。";
    /// Not here, or not for this caller.
    NotFound = StatusCode::NOT_FOUND, "not_found", "未找到", "未作任何改动。没有这项内容，或不在您的查看范围内。请核对后重试。";
    /// No such enrolment code.
    CodeUnknown = StatusCode::NOT_FOUND, "code_unknown", "登记码不正确", "未登记，手机上的内容不受影响。请核对登记码后重新输入；仍不正确的，请联系系统运行单位重新发放。";
    /// The path has other methods.
    MethodNotAllowed = StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "不支持此操作", "未作任何改动。请更新应用后重试；自行对接的，请核对接口文档。";
    /// The body came too slowly.
    SlowBody = StatusCode::REQUEST_TIMEOUT, "slow_body", "网络过慢，接收超时", "未作任何改动，本机内容仍在。请在网络好转后重试。";
    /// The target has moved on.
    VersionMoved = StatusCode::CONFLICT, "version_moved", "内容已被他人更新", "未作任何改动。请刷新后查看最新内容，再决定是否提交。";
    /// The target's state does not allow it, or a rule refuses it.
    Refused = StatusCode::CONFLICT, "refused", "当前状态不允许此操作", "未作任何改动。请刷新后查看最新状态。";
    /// An upload has another number of bytes than the sender thinks.
    OffsetMoved = StatusCode::CONFLICT, "offset_moved", "续传位置不符", "已接收的部分仍在。请查询已接收的长度，从那里继续上传。";
    /// An upload that was given up, refused, or is too old.
    UploadEnded = StatusCode::GONE, "upload_ended", "此次上传已终止", "照片仍在本机，请重新上传。";
    /// The tus version is not said, or not ours.
    TusVersion = StatusCode::PRECONDITION_FAILED, "tus_version", "上传方式与服务器不一致", "照片仍在本机。请更新应用后重试；已是最新版本的，请联系系统运行单位。";
    /// The enrolment code was used or is too old.
    CodeSpent = StatusCode::GONE, "code_spent", "登记码已使用或已过期", "手机上的内容不受影响。请联系系统运行单位重新发放登记码。";
    /// A piece of a photo that is not what its checksum says.
    ChecksumMismatch = CHECKSUM_MISMATCH, "checksum_mismatch", "照片传输有误", "这一段未接收，照片仍在本机。请重新发送这一段。";
    /// Bytes that do not hash to the photo's name.
    OtherBytes = StatusCode::UNPROCESSABLE_ENTITY, "other_bytes", "照片传输有误", "收到的照片与登记的不一致，未接收，照片仍在本机。请重新上传。";
    /// A picture that is not taken; the code says why.
    PictureRefused = StatusCode::UNPROCESSABLE_ENTITY, "picture_refused", "照片无法接收", "未接收，照片仍在本机。请按提示处理；仍不行的，请联系系统运行单位。";
    /// The device's share of the day is used up.
    Quota = StatusCode::INSUFFICIENT_STORAGE, "quota", "今日上传数量已达上限", "未接收，照片仍在本机，明日会自动继续上传。如工作需要，请联系系统运行单位。";
    /// The disk is full.
    DiskFull = StatusCode::INSUFFICIENT_STORAGE, "disk_full", "服务器存储空间不足", "已确认送达的内容不受影响，其余仍在本机。请联系系统运行单位。";
    /// The length of the body is not said.
    LengthRequired = StatusCode::LENGTH_REQUIRED, "length_required", "请求未说明内容长度", "未作任何改动。请更新应用后重试；自行对接的，请核对接口文档。";
    /// The body is larger than the route takes.
    TooLarge = StatusCode::PAYLOAD_TOO_LARGE, "too_large", "内容过大", "未作任何改动，本机内容仍在。请分批提交；单个文件过大的，请压缩后重试。";
    /// Another media type, or a compressed body.
    UnsupportedMediaType = StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "不支持的内容格式", "未作任何改动。请更新应用后重试；自行对接的，请核对接口文档。";
    /// Another protocol.
    UpdateApp = StatusCode::UPGRADE_REQUIRED, "update_app", "应用与服务器版本不一致", "本机内容仍在，可先导出“未上传数据包”。请更新应用；已是最新版本的，请联系系统运行单位。";
    /// Too often.
    TooOften = StatusCode::TOO_MANY_REQUESTS, "too_often", "操作过于频繁", "未作任何改动，本机内容仍在。请稍后再试。";
    /// Too much at once.
    Overloaded = StatusCode::SERVICE_UNAVAILABLE, "overloaded", "服务繁忙", "未作任何改动，本机内容仍在。请稍后再试。";
    /// The store does not answer.
    Unavailable = StatusCode::SERVICE_UNAVAILABLE, "unavailable", "服务暂不可用", "已确认送达的内容不受影响，其余仍在本机。请稍后再试，或联系系统运行单位。";
    /// A file asked for could not be written, and not for want of room.
    FileFailed = StatusCode::INTERNAL_SERVER_ERROR, "file_failed", "文件生成失败", "数据未作任何改动。请稍后重试，或联系系统运行单位。";
    /// A defect of ours.
    Internal = StatusCode::INTERNAL_SERVER_ERROR, "internal", "服务器内部错误", "已确认送达的内容不受影响，其余仍在本机。请稍后再试；仍不行的，请把请求编号告知系统运行单位。";
}

/// One thing wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer into the body, or `?name` of the query.
    pub pointer: String,
    /// A short fixed word.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

/// A request refused (请求被拒).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// What kind.
    pub problem: Problem,
    /// Another code than the problem's own: a refused command says which rule refused it.
    pub code: Option<&'static str>,
    /// Another detail than the problem's own: what comes next depends on what was asked.
    pub says: Option<&'static str>,
    /// What is wrong, field by field.
    pub errors: Vec<FieldError>,
    /// When it makes sense to try again.
    pub retry_after_s: Option<u64>,
    /// The version the target has.
    pub version: Option<u64>,
    /// The methods the path has.
    pub allow: Option<String>,
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        let (code, says, errors) = (None, None, Vec::new());
        Self { problem, code, says, errors, retry_after_s: None, version: None, allow: None }
    }
}

impl ApiError {
    /// One wrong field.
    #[must_use]
    pub fn field(pointer: &str, code: &'static str, detail: &str) -> Self {
        Self::fields(vec![FieldError { pointer: pointer.to_owned(), code, detail: detail.to_owned() }])
    }

    /// Several wrong fields.
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Problem::Invalid.into() }
    }

    /// A problem that passes.
    #[must_use]
    pub fn later(problem: Problem, after_ms: i64) -> Self {
        let seconds = u64::try_from(after_ms.max(1)).unwrap_or(1).div_ceil(1_000);
        Self { retry_after_s: Some(seconds), ..problem.into() }
    }

    /// When to try again, in words, where the detail does not say it already.
    #[must_use]
    pub(super) fn wait(&self) -> Option<String> {
        self.retry_after_s.filter(|_| self.problem != Problem::SignInPaused).map(in_words)
    }

    /// A command refused, with the version its target has.
    #[must_use]
    pub fn refused(code: Code, version: u64) -> Self {
        let problem = match code {
            Code::VersionMoved => Problem::VersionMoved,
            Code::UnknownTarget | Code::OutOfScope => return Problem::NotFound.into(),
            Code::NotPermitted | Code::Revoked => return Problem::NotPermitted.into(),
            Code::Schema => Problem::Invalid,
            _ => Problem::Refused,
        };
        let own = (problem == Problem::Refused || problem == Problem::Invalid).then(|| code.name());
        Self { code: own, version: Some(version), ..problem.into() }
    }

    /// The code a client decides by.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code.unwrap_or_else(|| self.problem.code())
    }

    /// Whether data is safe, and what to do next.
    #[must_use]
    pub fn detail(&self) -> Cow<'static, str> {
        match (self.problem, self.retry_after_s) {
            (Problem::SignInPaused, Some(seconds)) => {
                let wait = in_words(seconds);
                format!(
                    "密码连续五次不正确，数据未受影响。请在{wait}后重试；忘记密码的，请联系系统运行单位。"
                )
                .into()
            }
            _ => self.says.unwrap_or_else(|| self.problem.detail()).into(),
        }
    }
}

/// A wait as people say it: from a minute on in minutes, rounded up, so that nobody comes back too early.
fn in_words(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} 秒"),
        _ => format!("约 {} 分钟", seconds.div_ceil(60)),
    }
}

/// What is answered when nothing goes wrong (正常应答).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// What was asked for.
    Content,
    /// No body: it was done.
    NoContent,
    /// No body: something was made.
    Created,
    /// No body: what the caller has is what he would get.
    NotModified,
}

impl Gives {
    /// The one status it has.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Content => StatusCode::OK,
            Self::NoContent => StatusCode::NO_CONTENT,
            Self::Created => StatusCode::CREATED,
            Self::NotModified => StatusCode::NOT_MODIFIED,
        }
    }

    /// The reply, without a body.
    pub(super) fn bare(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = self.status();
        response
    }
}

impl Reply for ApiError {
    /// Status and header fields; the body is written by `dress`, which knows whether a browser asked.
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = self.problem.status();
        response.extensions_mut().insert(self);
        response
    }
}

impl warp::reject::Reject for ApiError {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_one_word_and_says_what_happened_and_what_to_do() {
        let codes: BTreeSet<&str> = Problem::ALL.iter().map(|problem| problem.code()).collect();
        assert_eq!(codes.len(), Problem::ALL.len());
        for problem in Problem::ALL {
            assert!(problem.status().is_client_error() || problem.status().is_server_error());
            assert!(problem.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(problem.detail().ends_with('。') && !problem.title().is_empty());
        }
    }

    #[test]
    fn a_refused_command_keeps_its_own_code_and_hides_what_is_out_of_scope() {
        for (code, problem, name) in [
            (Code::VersionMoved, Problem::VersionMoved, "version_moved"),
            (Code::OutOfScope, Problem::NotFound, "not_found"),
            (Code::UnknownTarget, Problem::NotFound, "not_found"),
            (Code::NotPermitted, Problem::NotPermitted, "not_permitted"),
            (Code::WrongState, Problem::Refused, "wrong_state"),
            (Code::SamePerson, Problem::Refused, "same_person"),
            (Code::Schema, Problem::Invalid, "schema"),
        ] {
            let error = ApiError::refused(code, 7);
            assert_eq!((error.problem, error.code()), (problem, name));
            assert_eq!(error.version.is_none(), matches!(problem, Problem::NotFound | Problem::NotPermitted));
        }
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        for (ms, seconds) in [(-5, 1), (0, 1), (1, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(ApiError::later(Problem::TooOften, ms).retry_after_s, Some(seconds), "{ms}");
        }
    }

    #[test]
    fn a_wait_is_told_in_minutes_from_a_minute_on_and_never_too_short() {
        for (seconds, words) in
            [(1, "1 秒"), (59, "59 秒"), (60, "约 1 分钟"), (61, "约 2 分钟"), (900, "约 15 分钟")]
        {
            assert_eq!(in_words(seconds), words);
            let error = ApiError { retry_after_s: Some(seconds), ..Problem::TooOften.into() };
            assert_eq!(error.wait().as_deref(), Some(words));
        }
        assert_eq!(ApiError::from(Problem::TooOften).wait(), None);
    }
}
