//! The shapes of texts in JSON: ids, days, instants, words of the closed lists.
//!
//! Read from the lists themselves, so a new row is in the description at once. A type of the schema says here how it
//! looks in JSON, for the schema knows nothing of HTTP.

use louan_schema::code::{
    BuildingUse, CodeTable, Datum, HazardState, HeightSource, Management, OrgKind, RegistryState, Role,
    Severity,
};
use louan_schema::photo::{TakenBy, UnprovenReason};
use louan_schema::registry::Footprint;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat};

use crate::hub::ImportState;

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn patterned(pattern: &str) -> Schema {
    Schema::Object(text().pattern(Some(pattern)).build())
}

fn words(words: impl IntoIterator<Item = &'static str>) -> Schema {
    Schema::Object(text().enum_values(Some(words)).build())
}

fn listed(table: CodeTable) -> Schema {
    words(table.rows.iter().map(|row| row.code))
}

fn or_null(schema: Schema) -> Schema {
    match schema {
        Schema::Object(mut object) => {
            object.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
            Schema::Object(object)
        }
        other => other,
    }
}

/// A shape of the components, by its name.
pub(in crate::http) fn named(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

/// Bytes that are not JSON.
pub(in crate::http) fn bytes() -> Schema {
    Schema::Object(text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).build())
}

/// Any text.
pub(in crate::http) fn any_text() -> Schema {
    Schema::Object(text().build())
}

/// A document whose shape another standard says.
pub(in crate::http) fn any_object() -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(Type::Object).build())
}

/// One of several acts by its name: the branches of a oneOf have no second property.
pub(super) fn closed(shape: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::OneOf(mut choice)) = shape else { return shape };
    for branch in &mut choice.items {
        if let RefOr::T(Schema::Object(object)) = branch
            && object.properties.len() == 1
        {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
    RefOr::T(Schema::OneOf(choice))
}

/// A number from `least`.
pub(in crate::http) fn number(least: u64, most: Option<u64>) -> Schema {
    let object = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(most);
    Schema::Object(object.build())
}

/// Corners of an outline, longitude and latitude each, in ten-millionths of a degree.
pub(in crate::http) fn corners() -> Schema {
    let degrees = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(-1_800_000_000))
        .maximum(Some(1_800_000_000));
    let corner = ArrayBuilder::new().items(degrees).min_items(Some(2)).max_items(Some(2));
    // The first one may be said again at the end.
    let corners =
        ArrayBuilder::new().items(corner).min_items(Some(3)).max_items(Some(Footprint::CORNERS_MAX + 1));
    Schema::Array(corners.build())
}

/// The id of a thing: a ULID in upper case.
pub(in crate::http) fn id() -> Schema {
    patterned("^[0-7][0-9A-HJKMNP-TV-Z]{25}$")
}

/// Several ids.
pub(in crate::http) fn ids() -> Schema {
    Schema::Array(ArrayBuilder::new().items(RefOr::T(id())).build())
}

/// An id, or none.
pub(in crate::http) fn id_or_null() -> Schema {
    or_null(id())
}

/// A SHA-256.
pub(in crate::http) fn hash() -> Schema {
    patterned("^[0-9a-f]{64}$")
}

/// The number of an upload or an import.
pub(in crate::http) fn draw() -> Schema {
    patterned("^[0-9a-f]{32}$")
}

/// The code of a 街镇.
pub(in crate::http) fn street() -> Schema {
    patterned("^[1-9][0-9]{8}$")
}

/// The code of a 街镇, or none.
pub(in crate::http) fn street_or_null() -> Schema {
    or_null(street())
}

/// A day in Asia/Shanghai.
pub(in crate::http) fn day() -> Schema {
    Schema::Object(text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).build())
}

/// A day, or none.
pub(in crate::http) fn day_or_null() -> Schema {
    or_null(day())
}

/// An instant, RFC 3339.
pub(in crate::http) fn instant() -> Schema {
    Schema::Object(text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).build())
}

/// An instant, or none.
pub(in crate::http) fn instant_or_null() -> Schema {
    or_null(instant())
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident = $list:ty;)*) => {
        $($(#[$doc])* pub(in crate::http) fn $name() -> Schema { listed(<$list>::TABLE) })*
    };
}

lists! {
    /// 岗位角色.
    role = Role;
    /// 单位类别.
    org_kind = OrgKind;
    /// 严重程度.
    severity = Severity;
    /// 隐患状态.
    hazard_state = HazardState;
    /// 使用性质.
    building_use = BuildingUse;
    /// 高度来源.
    height_source = HeightSource;
    /// 建账状态.
    registry_state = RegistryState;
    /// 管理方式.
    management = Management;
    /// 坐标系.
    datum = Datum;
    /// 拍摄时间来源.
    taken_by = TakenBy;
}

/// Whether a photo is proven to be taken on site, or why not.
pub(in crate::http) fn on_site() -> Schema {
    words(std::iter::once("proven").chain(UnprovenReason::TABLE.rows.iter().map(|row| row.code)))
}

/// How far an import is.
pub(in crate::http) fn import_state() -> Schema {
    words(ImportState::ALL.iter().map(|state| state.name()))
}

/// The one version of tus.
pub(in crate::http) fn tus() -> Schema {
    words(["1.0.0"])
}
