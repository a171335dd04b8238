//! `louan org`, `user`, `enrol`: what an installation needs before anybody can sign in.
//!
//! Everything goes through the hub and the identity service and leaves its audit lines there. A
//! password comes from standard input or is made here; it is never an argument and is printed once.

use std::io::BufRead;

use louan_schema::area::{self, StreetCode};
use louan_schema::code::{OrgKind, Role};
use louan_schema::id::{OrgId, PersonId};
use louan_schema::record::text::{TextFault, fault_of_required};
use louan_schema::registry::{Org, Person, masked_name};

use super::args::{EnrolCommand, OrgCommand, UserCommand};
use super::failure::Failure;
use super::say;
use crate::app::{App, Workers};
use crate::auth::NewAccount;
use crate::auth::password::{PASSWORD_BYTES_MAX, Password};
use crate::config::Config;

/// Longest name, in characters: as long as a compound's.
const NAME_CHARS_MAX: usize = 80;
pub(super) const UNCHANGED: &str = "未作任何改动。请改正后重试。";

pub(super) async fn org(command: &OrgCommand, config: &Config) -> Result<(), Failure> {
    match command {
        OrgCommand::Add { code, kind, name, street } => {
            let kind: OrgKind = kind.parse().map_err(|e| Failure::new("没有这个单位类别", &e, UNCHANGED))?;
            let street = street.as_deref().map(read_street).transpose()?;
            let org = Org { id: Org::well_known_id(code), kind, name: read_name(name)?, street };
            let app = App::open(config, Workers::None).await?;
            let id = org.id;
            app.hub.add_org(org, None, app.now()).await?;
            say(&format!("单位已保存：{name}，编号 {id}。"))
        }
        OrgCommand::List => {
            let app = App::open(config, Workers::None).await?;
            for org in app.hub.list_orgs().await? {
                let street = org.street.map_or_else(String::new, |street| street.to_string());
                say(&format!("{}\t{}\t{}\t{street}", org.id, org.kind.label(), org.name))?;
            }
            Ok(())
        }
    }
}

/// A name that goes to every phone and terminal: one line, and nothing that deceives a reader.
fn read_name(text: &str) -> Result<String, Failure> {
    let fault =
        fault_of_required(text, NAME_CHARS_MAX).or(text.contains('\n').then_some(TextFault::NotPlain));
    let what = match fault {
        None => return Ok(text.to_owned()),
        Some(TextFault::Empty) => "名称不能为空".to_owned(),
        Some(TextFault::TooLong) => format!("名称超过 {NAME_CHARS_MAX} 个字"),
        Some(TextFault::NotPlain) => "名称中有不可见字符或换行".to_owned(),
    };
    Err(Failure::refused(&what, UNCHANGED))
}

fn read_street(text: &str) -> Result<StreetCode, Failure> {
    let code: StreetCode = text.parse().map_err(|e| Failure::new("街镇代码不正确", &e, UNCHANGED))?;
    area::street(code).map(|_| code).map_err(|e| Failure::new("街镇不在本方案范围内", &e, UNCHANGED))
}

pub(super) async fn user(command: &UserCommand, config: &Config) -> Result<(), Failure> {
    match command {
        UserCommand::Add { org, role, name, login, password_stdin } => {
            let role: Role = role.parse().map_err(|e| Failure::new("没有这个岗位", &e, UNCHANGED))?;
            let name = read_name(name)?;
            // Read before the store is opened: a person at the keyboard must not hold it.
            let typed = if *password_stdin { Some(read_password()?) } else { None };
            let app = App::open(config, Workers::None).await?;
            let person = Person {
                id: PersonId::mint(app.now().system, app.random().array()),
                org: find_org(&app, org).await?,
                role,
                name,
            };
            add_user(&app, person, login.as_deref(), typed).await
        }
        UserCommand::Password { login, password_stdin } => {
            let typed = if *password_stdin { Some(read_password()?) } else { None };
            let app = App::open(config, Workers::None).await?;
            let accounts = app.identity.list_accounts().await?;
            let account = accounts.into_iter().find(|account| account.login == login.trim().to_lowercase());
            let account = account.ok_or_else(|| no_person(login))?;
            put_account(&app, account.person, login, typed).await
        }
        UserCommand::List { names } => {
            let app = App::open(config, Workers::None).await?;
            list_users(&app, *names).await
        }
        UserCommand::Erase { who, irrevocably: _ } => {
            let app = App::open(config, Workers::None).await?;
            let person = find_person(&app, who).await?;
            app.hub.erase_person(person, None, app.now()).await?;
            say(&format!(
                "已清除 {person} 的姓名、账号与登录。已收记录只含编号，予以保留；其本人此后上传的内容一律退回，同一设备上其他人的内容不受影响。"
            ))
        }
        UserCommand::Disable { who } => {
            let app = App::open(config, Workers::None).await?;
            let person = find_person(&app, who).await?;
            app.hub.set_person_active(person, false, None, app.now()).await?;
            let accounts = app.identity.list_accounts().await?;
            if let Some(account) = accounts.iter().find(|account| account.person == person) {
                app.identity.disable_account(&account.login, app.now().system).await?;
            }
            say(&format!("已停用 {person}。其登录已失效；其设备上未提交的内容仍可上传，待审后处理。"))
        }
    }
}

async fn add_user(
    app: &App,
    person: Person,
    login: Option<&str>,
    typed: Option<Password>,
) -> Result<(), Failure> {
    let (id, name) = (person.id, person.name.clone());
    let Some(login) = login else {
        app.hub.add_person(person, None, app.now()).await?;
        return say(&format!("人员已保存：{name}，编号 {id}。"));
    };
    let made = typed.is_none();
    let password = typed.unwrap_or_else(|| first_password(&app.random().array()));
    // What can be refused about the account is refused before the person is written.
    app.identity.check_account(login, &password, id).await?;
    app.hub.add_person(person, None, app.now()).await?;
    say(&format!("人员已保存：{name}，编号 {id}。"))?;
    save_account(app, id, login, &password, made).await
}

async fn put_account(
    app: &App,
    person: PersonId,
    login: &str,
    typed: Option<Password>,
) -> Result<(), Failure> {
    let made = typed.is_none();
    let password = typed.unwrap_or_else(|| first_password(&app.random().array()));
    save_account(app, person, login, &password, made).await
}

async fn save_account(
    app: &App,
    person: PersonId,
    login: &str,
    password: &Password,
    made: bool,
) -> Result<(), Failure> {
    let account = NewAccount { person, login: login.to_owned(), password: password.clone() };
    app.identity.put_account(account, app.now().system).await?;
    say(&format!("账号 {login} 已保存，原有登录已失效。"))?;
    if made { say(&format!("初始密码（只显示这一次）：{}", password.as_str())) } else { Ok(()) }
}

/// Sixteen characters out of 56 that are not mistaken for each other, 92 bits, of all three kinds.
fn first_password(random: &[u8; 32]) -> Password {
    const KINDS: [&[u8]; 3] = [b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"abcdefghijkmnpqrstuvwxyz", b"23456789"];
    let all: Vec<u8> = KINDS.concat();
    let pick = |from: &[u8], at: usize| char::from(from[usize::from(random[at]) % from.len()]);
    let mut password = Password::default();
    for (at, kind) in KINDS.iter().enumerate() {
        password.push(pick(kind, at));
    }
    (KINDS.len()..16).for_each(|at| password.push(pick(&all, at)));
    password
}

fn read_password() -> Result<Password, Failure> {
    let mut line = Password::default();
    let mut input = std::io::Read::take(std::io::stdin().lock(), PASSWORD_BYTES_MAX as u64 + 2);
    let read = input.read_line(&mut line);
    read.map_err(|e| Failure::new("无法读取密码", &e, UNCHANGED))?;
    Ok(Password::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn list_users(app: &App, names: bool) -> Result<(), Failure> {
    let accounts = app.identity.list_accounts().await?;
    let orgs = app.hub.list_orgs().await?;
    let people = app.hub.list_people().await?;
    if names {
        // Whoever has this machine is nobody the store knows.
        let shown: Vec<PersonId> = people.iter().filter(|row| !row.erased).map(|row| row.person.id).collect();
        app.hub.note_names(&shown, (None, None), app.now()).await?;
    }
    for row in people {
        let account = accounts.iter().find(|account| account.person == row.person.id);
        let login = match account {
            None => "（无账号）".to_owned(),
            Some(account) if account.active => account.login.clone(),
            Some(account) => format!("{}（账号停用）", account.login),
        };
        let org = orgs.iter().find(|org| org.id == row.person.org).map_or("", |org| org.name.as_str());
        let state = match (row.erased, row.active) {
            (true, _) => "已清除",
            (false, true) => "在用",
            (false, false) => "停用",
        };
        let person = row.person;
        let name = if names { person.name } else { masked_name(&person.name) };
        say(&format!("{}\t{name}\t{}\t{org}\t{login}\t{state}", person.id, person.role.label()))?;
    }
    Ok(())
}

pub(super) async fn enrol(command: &EnrolCommand, config: &Config) -> Result<(), Failure> {
    let EnrolCommand::New { people } = command;
    let app = App::open(config, Workers::None).await?;
    let mut ids = Vec::new();
    for who in people {
        let id = find_person(&app, who).await?;
        if app.hub.find_person(id).await?.is_some_and(|row| !row.active) {
            return Err(Failure::refused(
                &format!("{who} 已停用，不能登记设备"),
                "没有发放登记码，未作任何改动。请用 louan user list 查看。",
            ));
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let made = app.identity.new_code(ids, None, app.now().system).await;
    let (code, until) = made.map_err(|e| Failure::new("无法发放登记码", &e, "未作任何改动。请重试。"))?;
    say(&format!("登记码（只显示这一次）：{}\n有效至 {until}，只能登记一台设备。", code.text()))
}

async fn find_org(app: &App, text: &str) -> Result<OrgId, Failure> {
    let id = text.parse().unwrap_or_else(|_| Org::well_known_id(text));
    match app.hub.find_org(id).await? {
        Some(org) => Ok(org.id),
        None => Err(Failure::refused(
            &format!("没有单位 {text}"),
            "未作任何改动。请用 louan org list 查看，或先新增单位。",
        )),
    }
}

/// A person by id or by login.
pub(super) async fn find_person(app: &App, text: &str) -> Result<PersonId, Failure> {
    let by_login = || async {
        let accounts = app.identity.list_accounts().await?;
        let login = text.trim().to_lowercase();
        Ok::<_, Failure>(
            accounts.into_iter().find(|account| account.login == login).map(|account| account.person),
        )
    };
    let id = match text.parse::<PersonId>() {
        Ok(id) => Some(id),
        Err(_) => by_login().await?,
    };
    let found = match id {
        Some(id) => app.hub.find_person(id).await?.map(|row| row.person.id),
        None => None,
    };
    found.ok_or_else(|| no_person(text))
}

fn no_person(text: &str) -> Failure {
    Failure::refused(&format!("没有人员或账号 {text}"), "未作任何改动。请用 louan user list 查看。")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::password::faults_of;

    #[test]
    fn a_first_password_passes_its_own_rules_whatever_the_dice() {
        for byte in 0..=255 {
            let password = first_password(&[byte; 32]);
            assert_eq!(password.len(), 16);
            assert!(faults_of(&password, "zhangsan99").is_empty(), "{}", password.as_str());
        }
    }
}
