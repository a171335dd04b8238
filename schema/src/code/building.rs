//! What is known about a building: its use, how its height was learnt, in which datum it was located,
//! where it stands in the registry, and who manages it.
//!
//! Whether it is a high-rise is computed from these by `policy::HeightClass`, never stored as a code.

use super::code_list;

code_list! {
    /// The use of a building (使用性质).
    BuildingUse {
        Residential = 1, "residential", "住宅";
        Public = 2, "public", "公共";
        Mixed = 3, "mixed", "商住混合";
    }
}

code_list! {
    /// Where a height comes from (高度来源).
    HeightSource {
        Drawing = 1, "drawing", "图纸";
        Measured = 2, "measured", "实测";
        Storeys = 3, "storeys", "层数推算";
        Unknown = 4, "unknown", "未知";
    }
}

code_list! {
    /// A geodetic datum (坐标系); a position without its datum is refused, for a mixed-up one is 500 m off.
    Datum {
        Wgs84 = 1, "wgs84", "WGS84";
        Cgcs2000 = 2, "cgcs2000", "CGCS2000";
        Gcj02 = 3, "gcj02", "GCJ02";
        Bd09 = 4, "bd09", "BD09";
    }
}

code_list! {
    /// Where a building stands in the registry (建账状态).
    RegistryState {
        Unverified = 1, "unverified", "待核";
        Registered = 2, "registered", "已建账";
        NotHighRise = 3, "not_high_rise", "非高层";
        Retired = 4, "retired", "已注销";
    }
}

code_list! {
    /// Who manages a building (管理方式); with its use it decides who surveys and who supervises.
    Management {
        PropertyCompany = 1, "property_company", "物业服务企业";
        SelfManaged = 2, "self_managed", "其他管理单位或自管";
        Unmanaged = 3, "unmanaged", "无";
    }
}
