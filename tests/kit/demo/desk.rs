//! A desk in an office: one account's session over HTTPS, and what is asked through it.
//!
//! What comes back is taken as the office says it; nothing is computed here.

use louan_schema::area::StreetCode;
use louan_schema::code::{BuildingUse, HazardState, HeightSource, Management, RegistryState, Severity};
use louan_schema::id::{BuildingId, CommandId, HazardId, OrgId, SiteId};
use louan_schema::policy::{HazardCode, Policy};
use louan_schema::time::{Day, Timestamp};
use louan_server::clock::{Random, SystemRandom};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::people::Account;
use super::{Step, Trouble};

/// Days to put right what the plan gives no day for, as in the replay.
const DAYS_GIVEN: i32 = 30;

/// One account, signed in.
#[derive(Debug)]
pub struct Desk {
    client: reqwest::Client,
    url: String,
    account: Account,
    token: Option<String>,
}

/// A line of the hazard ledger, as the office tells it.
#[derive(Debug, Clone, Deserialize)]
pub struct HazardLine {
    /// The hazard.
    pub id: HazardId,
    /// The version a command must name.
    pub version: u64,
    /// The compound's name.
    pub site_name: String,
    /// Its street.
    pub street: Option<StreetCode>,
    /// The leaf of the taxonomy.
    pub code: HazardCode,
    /// Its name.
    pub name: String,
    /// The grade.
    pub severity: Severity,
    /// The state in words.
    pub state_label: String,
    /// When it was found.
    pub found_at: String,
    /// The day it was found.
    pub found_on: String,
    /// The day it is due.
    pub due_on: Option<String>,
    /// Whether it is overdue.
    pub overdue: bool,
}

/// A page of the ledger.
#[derive(Debug, Deserialize)]
pub struct Lines {
    /// Its lines.
    pub rows: Vec<HazardLine>,
    /// How many there are in all.
    pub total: u64,
}

/// The figures of one street, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct MonthLine {
    /// Visits.
    pub rounds: u64,
    /// Hazards found.
    pub hazards_found: u64,
    /// Disposed of.
    pub disposed: u64,
    /// Closed.
    pub closed: u64,
    /// Overdue.
    pub overdue: u64,
    /// Not confirmed yet.
    pub unconfirmed: u64,
}

/// A street's line of the month.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StreetLine {
    /// The street's name.
    pub name: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: MonthLine,
}

/// A month's figures, as the office tells them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Month {
    /// By street.
    pub rows: Vec<StreetLine>,
    /// In all.
    pub total: MonthLine,
}

#[derive(Deserialize)]
struct Session {
    access_token: String,
}

impl Desk {
    /// A desk for an account, at an office whose certificate `root` vouches for.
    ///
    /// # Errors
    /// [`Trouble`] when the certificate cannot be used.
    pub fn new(url: &str, root: &[u8], account: Account) -> Step<Self> {
        // The phones' links may have installed one already: then that one stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Certificate::from_pem(root)
            .and_then(|root| reqwest::Client::builder().tls_certs_only([root]).build())
            .map_err(|e| Trouble::odd(format!("证书不能使用：{e}")))?;
        Ok(Self { client, url: url.to_owned(), account, token: None })
    }

    /// Enters a compound of one building whose height nobody knows yet.
    ///
    /// # Errors
    /// [`Trouble`] with what the office answered.
    pub async fn register(&mut self, site: &NewSite<'_>) -> Step<()> {
        let entry = json!({
            "id": site.id, "name": site.address, "street": site.street, "address": site.address,
            "management": Management::PropertyCompany, "managed_by": site.managed_by,
            "supervised_by": site.supervised_by,
        });
        let building = json!({
            "id": site.building, "code": site.code, "name": "1栋",
            "building_use": BuildingUse::Residential, "height_source": HeightSource::Unknown,
            "state": RegistryState::Unverified,
        });
        let act = json!({ "register_site": { "site": entry, "buildings": [building] } });
        self.command(act, 0, site.at).await
    }

    /// Confirms everything reported, with the day the plan gives; how many.
    ///
    /// # Errors
    /// [`Trouble`] with what the office answered.
    pub async fn confirm_all(&mut self, now: Timestamp) -> Step<usize> {
        let mut done = 0;
        loop {
            let waiting = self.lines(&format!("state={}", HazardState::Reported)).await?.rows;
            if waiting.is_empty() {
                return Ok(done);
            }
            for line in waiting {
                let found_at: Timestamp = line
                    .found_at
                    .parse()
                    .map_err(|_| self.refused("hazards", &format!("时刻 {} 无法识别", line.found_at)))?;
                let plan = Policy::qijiang_2020().due_on(line.code, found_at);
                let due_on = plan.unwrap_or_else(|| found_at.day().plus_days(DAYS_GIVEN));
                let act = json!({ "confirm_hazard": {
                    "hazard": line.id, "severity": line.severity, "due_on": due_on } });
                self.command(act, line.version, now).await?;
                done += 1;
            }
        }
    }

    /// Closes everything whose recheck passed; how many.
    ///
    /// # Errors
    /// [`Trouble`] with what the office answered.
    pub async fn close_all(&mut self, now: Timestamp) -> Step<usize> {
        let mut done = 0;
        loop {
            let waiting = self.lines(&format!("state={}", HazardState::RecheckPassed)).await?.rows;
            if waiting.is_empty() {
                return Ok(done);
            }
            for line in waiting {
                self.command(json!({ "close_hazard": { "hazard": line.id } }), line.version, now).await?;
                done += 1;
            }
        }
    }

    /// Lines of the ledger, newest first.
    ///
    /// # Errors
    /// [`Trouble`] with what the office answered.
    pub async fn lines(&mut self, query: &str) -> Step<Lines> {
        self.ask(&format!("hazards?{query}"), None).await
    }

    /// The figures of what happened before 24:00 of a day.
    ///
    /// # Errors
    /// [`Trouble`] with what the office answered.
    pub async fn month(&mut self, cut_off: Day) -> Step<Month> {
        self.ask(&format!("months/{cut_off}"), None).await
    }

    async fn command(&mut self, act: Value, expected_version: u64, at: Timestamp) -> Step<()> {
        let random: &dyn Random = &SystemRandom;
        let id = CommandId::mint(at, random.array());
        let body = json!({ "id": id, "expected_version": expected_version, "act": act });
        self.ask::<Value>("commands", Some(&body)).await.map(|_| ())
    }

    async fn sign_in(&mut self) -> Step<()> {
        self.token = None;
        let body = json!({ "account": self.account.login, "password": self.account.password });
        match self.send("session", Some(&body)).await? {
            Ok(answer) => {
                let session: Session = self.read("session", &answer)?;
                self.token = Some(session.access_token);
                Ok(())
            }
            Err(code) => Err(self.refused("session", &code)),
        }
    }

    /// Asks, signing in first where there is no session or it has ended.
    async fn ask<T: DeserializeOwned>(&mut self, path: &str, body: Option<&Value>) -> Step<T> {
        if self.token.is_none() {
            self.sign_in().await?;
        }
        let mut answer = self.send(path, body).await?;
        if answer.as_ref().is_err_and(|code| code == "sign_in_again") {
            self.sign_in().await?;
            answer = self.send(path, body).await?;
        }
        match answer {
            Ok(bytes) => self.read(path, &bytes),
            Err(code) => Err(self.refused(path, &code)),
        }
    }

    fn read<T: DeserializeOwned>(&self, path: &str, bytes: &[u8]) -> Step<T> {
        serde_json::from_slice(bytes).map_err(|e| self.refused(path, &e.to_string()))
    }

    fn refused(&self, path: &str, why: &str) -> Trouble {
        Trouble::odd(format!("{} 请求 {path} 没有成功：{why}", self.account.login))
    }

    /// What the office answered: a body, or the code of its refusal.
    async fn send(&self, path: &str, body: Option<&Value>) -> Step<Result<Vec<u8>, String>> {
        let lost = |e: reqwest::Error| Trouble::odd(format!("服务端没有回答 {path}：{e}"));
        let url = format!("{}/api/v1/{path}", self.url);
        let mut request = match body {
            None => self.client.get(url),
            Some(body) => {
                self.client.post(url).header(CONTENT_TYPE, "application/json").body(body.to_string())
            }
        };
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = request.send().await.map_err(lost)?;
        let taken = response.status().is_success();
        let bytes = response.bytes().await.map_err(lost)?;
        if taken {
            return Ok(Ok(bytes.to_vec()));
        }
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Err(problem["code"].as_str().unwrap_or("?").to_owned()))
    }
}

/// A compound to be entered.
#[derive(Debug, Clone, Copy)]
pub struct NewSite<'a> {
    /// Its id.
    pub id: SiteId,
    /// Its building's id.
    pub building: BuildingId,
    /// The address, which is its name, too.
    pub address: &'a str,
    /// The building's number.
    pub code: &'a str,
    /// The street.
    pub street: StreetCode,
    /// The property company.
    pub managed_by: OrgId,
    /// The police station.
    pub supervised_by: OrgId,
    /// When.
    pub at: Timestamp,
}
