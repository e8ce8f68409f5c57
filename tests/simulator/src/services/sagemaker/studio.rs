//! SageMaker Studio: domains, user profiles, spaces, apps. One file: they share their settings and their errors.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    estate::{AppSpec, IdleSpec, SpaceSpec, UserProfileSpec, When, jobs::is_legal_name},
    services::{
        On, Operation,
        sagemaker::{
            kinds::small,
            tags::{as_list, tag_list},
            training::legal_tags,
        },
    },
    wire::{Page, Refusal, page_of, seconds, text, with_token},
    world::{App, DELETED_SHOWN, TagLog, World},
};

const APP: On = On::Of(|world, input| {
    let home = format!("{}{}", name(input, "SpaceName"), name(input, "UserProfileName"));
    world.arn(&format!("app/{}/{home}/{}/{}", name(input, "DomainId"), name(input, "AppType"), name(input, "AppName")))
});
const DOMAIN: On = On::One("domain", "DomainId");
const PROFILE: On =
    On::Of(|world, input| world.arn(&format!("user-profile/{}/{}", name(input, "DomainId"), name(input, "UserProfileName"))));
const SPACE: On = On::Of(|world, input| world.arn(&format!("space/{}/{}", name(input, "DomainId"), name(input, "SpaceName"))));

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("ListApps", On::All("app"), |world, input| list_apps(world, input)),
    Operation::new("DescribeApp", APP, |world, input| find_app(world, input).map(|app| described(world, app))),
    Operation::new("CreateApp", APP, create_app),
    Operation::new("DeleteApp", APP, delete_app),
    Operation::new("ListDomains", On::All("domain"), |world, input| list_domains(world, input)),
    Operation::new("DescribeDomain", DOMAIN, |world, input| describe_domain(world, input)),
    Operation::new("ListUserProfiles", On::All("user-profile"), |world, input| list_profiles(world, input)),
    Operation::new("DescribeUserProfile", PROFILE, |world, input| describe_profile(world, input)),
    Operation::new("CreateUserProfile", PROFILE, create_profile),
    Operation::new("ListSpaces", On::All("space"), |world, input| list_spaces(world, input)),
    Operation::new("DescribeSpace", SPACE, |world, input| describe_space(world, input)),
    Operation::new("CreateSpace", SPACE, create_space),
];

fn name(input: &Value, field: &str) -> String {
    text(input, field).unwrap_or_default().to_owned()
}

fn delete_app(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let app = find_app(world, input)?;
    if app.status == "Deleted" {
        // This error is not in AWS's model; Terraform's provider handles it.
        return Err(Refusal::validation(format!("App [{}] has already been deleted", app.arn)));
    }
    let arn = app.arn.clone();
    world.delete_app(&arn);
    Ok(json!({}))
}

fn list_domains(world: &World, input: &Value) -> Result<Value, Refusal> {
    let all = world.domains.values().map(|(domain, arn)| {
        json!({"DomainId": domain.id, "DomainArn": arn, "DomainName": domain.name, "Status": "InService",
               "CreationTime": long_ago(world), "LastModifiedTime": long_ago(world), "Url": studio_url(world, &domain.id)})
    });
    paged(input, all.collect(), "Domains")
}

fn describe_domain(world: &World, input: &Value) -> Result<Value, Refusal> {
    let id = name(input, "DomainId");
    let (domain, arn) = world.domains.get(&id).ok_or_else(|| not_found("Domain", &id))?;
    Ok(json!({
        "DomainId": domain.id, "DomainArn": arn, "DomainName": domain.name, "Status": "InService", "AuthMode": "IAM",
        "CreationTime": long_ago(world), "LastModifiedTime": long_ago(world), "Url": studio_url(world, &domain.id),
        "TagPropagation": if domain.tag_propagation { "ENABLED" } else { "DISABLED" },
        "DefaultUserSettings": user_settings(world, domain.jupyter_lab_idle.as_ref(), domain.code_editor_idle.as_ref()),
    }))
}

fn list_profiles(world: &World, input: &Value) -> Result<Value, Refusal> {
    let (domain, contains) = (text(input, "DomainIdEquals"), text(input, "UserProfileNameContains"));
    let wanted = |profile: &&UserProfileSpec| {
        domain.is_none_or(|domain| profile.domain == domain) && contains.is_none_or(|part| profile.name.contains(part))
    };
    let all = world.profiles.values().filter(wanted).map(|profile| {
        json!({"DomainId": profile.domain, "UserProfileName": profile.name, "Status": "InService",
               "CreationTime": made(world, profile.created), "LastModifiedTime": made(world, profile.created)})
    });
    paged(input, all.collect(), "UserProfiles")
}

fn describe_profile(world: &World, input: &Value) -> Result<Value, Refusal> {
    let key = (name(input, "DomainId"), name(input, "UserProfileName"));
    let profile = world.profiles.get(&key).ok_or_else(|| not_found("UserProfile", &key.1))?;
    Ok(json!({
        "DomainId": key.0, "UserProfileName": key.1, "UserProfileArn": world.arn(&format!("user-profile/{}/{}", key.0, key.1)),
        "Status": "InService", "CreationTime": made(world, profile.created), "LastModifiedTime": made(world, profile.created),
        "UserSettings": user_settings(world, profile.jupyter_lab_idle.as_ref(), profile.code_editor_idle.as_ref()),
    }))
}

fn list_spaces(world: &World, input: &Value) -> Result<Value, Refusal> {
    let (domain, contains) = (text(input, "DomainIdEquals"), text(input, "SpaceNameContains"));
    let wanted =
        |space: &&SpaceSpec| domain.is_none_or(|domain| space.domain == domain) && contains.is_none_or(|part| space.name.contains(part));
    let all = world.spaces.values().filter(wanted).map(|space| {
        let mut details = json!({"DomainId": space.domain, "SpaceName": space.name, "Status": "InService",
            "CreationTime": made(world, space.created), "LastModifiedTime": made(world, space.created),
            "SpaceSharingSettingsSummary": {"SharingType": sharing(space)}});
        put(&mut details, "OwnershipSettingsSummary", space.owner.as_ref().map(|owner| json!({"OwnerUserProfileName": owner})));
        details
    });
    paged(input, all.collect(), "Spaces")
}

fn describe_space(world: &World, input: &Value) -> Result<Value, Refusal> {
    let key = (name(input, "DomainId"), name(input, "SpaceName"));
    let space = world.spaces.get(&key).ok_or_else(|| not_found("Space", &key.1))?;
    let settings = space_settings(space);
    let mut described = json!({
        "DomainId": key.0, "SpaceName": key.1, "SpaceArn": world.arn(&format!("space/{}/{}", key.0, key.1)), "Status": "InService",
        "CreationTime": made(world, space.created), "LastModifiedTime": made(world, space.created), "SpaceSettings": settings,
        "SpaceSharingSettings": {"SharingType": sharing(space)},
    });
    put(&mut described, "OwnershipSettings", space.owner.as_ref().map(|owner| json!({"OwnerUserProfileName": owner})));
    Ok(described)
}

/// When domains were created: long before the start.
fn long_ago(world: &World) -> f64 {
    seconds(world.began)
}

/// When a profile or space was created.
fn made(world: &World, created: Option<When>) -> f64 {
    seconds(created.map_or(world.began, |created| created.at(world.started)))
}

fn studio_url(world: &World, domain: &str) -> String {
    format!("https://{domain}.studio.{}.sagemaker.aws", world.region)
}

fn space_settings(space: &SpaceSpec) -> Value {
    let idle = |minutes: Option<i32>| {
        minutes.map(|minutes| json!({"AppLifecycleManagement": {"IdleSettings": {"IdleTimeoutInMinutes": minutes}}}))
    };
    let mut settings = json!({});
    put(&mut settings, "JupyterLabAppSettings", idle(space.jupyter_lab_idle_minutes));
    put(&mut settings, "CodeEditorAppSettings", idle(space.code_editor_idle_minutes));
    settings
}

fn sharing(space: &SpaceSpec) -> &'static str {
    if space.owner.is_some() { "Private" } else { "Shared" }
}

fn not_found(kind: &str, name: &str) -> Refusal {
    Refusal::new(400, "ResourceNotFound", format!("{kind} [{name}] does not exist."))
}

fn put(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(value), Some(fields)) = (value, object.as_object_mut()) {
        fields.insert(key.to_owned(), value);
    }
}

fn user_settings(world: &World, jupyter_lab: Option<&IdleSpec>, code_editor: Option<&IdleSpec>) -> Value {
    let mut settings = idle_settings(jupyter_lab, code_editor);
    settings["ExecutionRole"] = world.role().into();
    settings
}

fn idle_settings(jupyter_lab: Option<&IdleSpec>, code_editor: Option<&IdleSpec>) -> Value {
    let idle = |spec: Option<&IdleSpec>| {
        spec.map(|spec| {
            let mut idle = json!({"LifecycleManagement": spec.lifecycle_management});
            put(&mut idle, "IdleTimeoutInMinutes", spec.idle_timeout_minutes.map(Value::from));
            put(&mut idle, "MinIdleTimeoutInMinutes", spec.min_idle_timeout_minutes.map(Value::from));
            put(&mut idle, "MaxIdleTimeoutInMinutes", spec.max_idle_timeout_minutes.map(Value::from));
            json!({"AppLifecycleManagement": {"IdleSettings": idle}})
        })
    };
    let mut settings = json!({});
    put(&mut settings, "JupyterLabAppSettings", idle(jupyter_lab));
    put(&mut settings, "CodeEditorAppSettings", idle(code_editor));
    settings
}

/// Whether lists show an app: deleted ones are shown for a day.
fn is_shown(world: &World, app: &App) -> bool {
    app.status != "Deleted" || world.now.duration_since(app.modified) < DELETED_SHOWN
}

fn list_apps(world: &World, input: &Value) -> Result<Value, Refusal> {
    let (domain, profile, space) = (text(input, "DomainIdEquals"), text(input, "UserProfileNameEquals"), text(input, "SpaceNameEquals"));
    if profile.is_some() && space.is_some() {
        return Err(Refusal::validation("UserProfileNameEquals and SpaceNameEquals cannot both be given".into()));
    }
    let mut all: Vec<&App> = world
        .apps
        .values()
        .filter(|app| {
            is_shown(world, app)
                && domain.is_none_or(|domain| app.spec.domain == domain)
                && profile.is_none_or(|profile| app.spec.user_profile.as_deref() == Some(profile))
                && space.is_none_or(|space| app.spec.space.as_deref() == Some(space))
        })
        .collect();
    if text(input, "SortBy") == Some("CreationTime") {
        all.sort_by_key(|app| app.created);
    }
    if text(input, "SortOrder") == Some("Descending") {
        all.reverse();
    }
    paged(input, all.into_iter().map(details).collect(), "Apps")
}

/// `AppDetails`. As in AWS, it has no ARN.
fn details(app: &App) -> Value {
    let mut details = json!({
        "DomainId": app.spec.domain, "AppType": app.spec.app_type, "AppName": app.spec.name, "Status": app.status,
        "CreationTime": seconds(app.created), "ResourceSpec": {"InstanceType": app.spec.instance_type},
    });
    put(&mut details, "SpaceName", app.spec.space.clone().map(Value::from));
    put(&mut details, "UserProfileName", app.spec.user_profile.clone().map(Value::from));
    details
}

fn described(world: &World, app: &App) -> Value {
    let mut described = details(app);
    described["AppArn"] = app.arn.clone().into();
    if app.status == "InService" {
        // AWS's health checks update both times (aws-facts §2.2).
        described["LastHealthCheckTimestamp"] = seconds(world.now).into();
        described["LastUserActivityTimestamp"] = seconds(world.now).into();
    }
    described
}

fn find_app<'a>(world: &'a World, input: &Value) -> Result<&'a App, Refusal> {
    if text(input, "SpaceName").is_some() == text(input, "UserProfileName").is_some() {
        return Err(Refusal::validation("Exactly one of SpaceName and UserProfileName must be given".into()));
    }
    let is = |name: &str, value: Option<&str>| text(input, name) == value;
    let found = world.apps.values().find(|app| {
        is("DomainId", Some(&app.spec.domain))
            && is("AppType", Some(&app.spec.app_type))
            && is("AppName", Some(&app.spec.name))
            && is("SpaceName", app.spec.space.as_deref())
            && is("UserProfileName", app.spec.user_profile.as_deref())
    });
    found.filter(|app| is_shown(world, app)).ok_or_else(|| not_found("App", text(input, "AppName").unwrap_or_default()))
}

fn create_app(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let name = |field: &str| text(input, field).map(str::to_owned);
    let (domain, space, user_profile) = (name("DomainId").unwrap_or_default(), name("SpaceName"), name("UserProfileName"));
    match find_app(world, input) {
        Ok(app) if app.status != "Deleted" => {
            return Err(Refusal::new(400, "ResourceInUse", format!("App [{}] already exists.", app.arn)));
        }
        Err(refusal) if refusal.code != "ResourceNotFound" => return Err(refusal),
        _ => {}
    }
    let (domain_spec, domain_arn) = world.domains.get(&domain).ok_or_else(|| not_found("Domain", &domain))?;
    let home = match (&space, &user_profile) {
        (Some(space), _) => {
            let key = (domain.clone(), space.clone());
            world.spaces.get(&key).ok_or_else(|| not_found("Space", space))?;
            format!("space/{domain}/{space}")
        }
        (_, profile) => {
            let profile = profile.clone().unwrap_or_default();
            world.profiles.get(&(domain.clone(), profile.clone())).ok_or_else(|| not_found("UserProfile", &profile))?;
            format!("user-profile/{domain}/{profile}")
        }
    };
    let tags_of = |arn: &str| world.tags.get(arn).map(TagLog::now).unwrap_or_default();
    let mut tags = BTreeMap::new();
    if domain_spec.tag_propagation {
        tags.extend(tags_of(domain_arn));
        tags.extend(tags_of(&world.arn(&home)));
    }
    tags.extend(tag_list(input)?);
    let app_type = name("AppType").unwrap_or_default();
    let given = input.get("ResourceSpec").and_then(|spec| text(spec, "InstanceType"));
    let instance_type = given.unwrap_or(if app_type == "JupyterServer" { "system" } else { "ml.t3.medium" }).to_owned();
    let now = world.now;
    let spec = AppSpec {
        domain,
        space,
        user_profile,
        app_type,
        name: name("AppName").unwrap_or_default(),
        instance_type,
        status: "Pending".into(),
        since: When::At(now),
        tags,
        ..AppSpec::default()
    };
    Ok(json!({"AppArn": world.add_app(spec, now, now)}))
}

/// The input of `CreateApp` for an app of the estate.
pub(crate) fn app_input(spec: &AppSpec) -> Value {
    let mut input = json!({
        "DomainId": spec.domain, "AppType": spec.app_type, "AppName": spec.name, "ResourceSpec": {"InstanceType": spec.instance_type},
    });
    put(&mut input, "SpaceName", spec.space.clone().map(Value::from));
    put(&mut input, "UserProfileName", spec.user_profile.clone().map(Value::from));
    with_tags(input, &spec.tags)
}

fn with_tags(mut input: Value, tags: &BTreeMap<String, String>) -> Value {
    put(&mut input, "Tags", (!tags.is_empty()).then(|| as_list(tags.clone()).into()));
    input
}

/// The input of `CreateUserProfile` for a profile of the estate.
pub(crate) fn profile_input(spec: &UserProfileSpec) -> Value {
    let input = json!({
        "DomainId": spec.domain, "UserProfileName": spec.name,
        "UserSettings": idle_settings(spec.jupyter_lab_idle.as_ref(), spec.code_editor_idle.as_ref()),
    });
    with_tags(input, &spec.tags)
}

/// The input of `CreateSpace` for a space of the estate.
pub(crate) fn space_input(spec: &SpaceSpec) -> Value {
    let mut input = json!({
        "DomainId": spec.domain, "SpaceName": spec.name, "SpaceSettings": space_settings(spec),
        "SpaceSharingSettings": {"SharingType": sharing(spec)},
    });
    put(&mut input, "OwnershipSettings", spec.owner.as_ref().map(|owner| json!({"OwnerUserProfileName": owner})));
    with_tags(input, &spec.tags)
}

/// The domain and name of a new profile or space, after both were checked.
fn new_home(world: &World, input: &Value, kind: &str, field: &str, is_there: bool) -> Result<(String, String), Refusal> {
    let name = |field: &str| text(input, field).unwrap_or_default().to_owned();
    let (domain, home) = (name("DomainId"), name(field));
    if !is_legal_name(&home) || 63 < home.len() {
        let constraint = "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}";
        return Err(Refusal::invalid_value(&home, &small(field), constraint));
    }
    if !world.domains.contains_key(&domain) {
        return Err(not_found("Domain", &domain));
    }
    if is_there {
        return Err(Refusal::new(400, "ResourceInUse", format!("{kind} [{home}] already exists.")));
    }
    Ok((domain, home))
}

fn create_profile(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let key = |field: &str| text(input, field).unwrap_or_default().to_owned();
    let is_there = world.profiles.contains_key(&(key("DomainId"), key("UserProfileName")));
    let (domain, name) = new_home(world, input, "UserProfile", "UserProfileName", is_there)?;
    let tags = legal_tags(input)?;
    let idle = |app: &str| input.pointer(&format!("/UserSettings/{app}/AppLifecycleManagement/IdleSettings")).and_then(idle_of);
    let spec = UserProfileSpec {
        jupyter_lab_idle: idle("JupyterLabAppSettings"),
        code_editor_idle: idle("CodeEditorAppSettings"),
        created: Some(When::At(world.now)),
        domain: domain.clone(),
        name: name.clone(),
        ..UserProfileSpec::default()
    };
    let arn = world.arn(&format!("user-profile/{domain}/{name}"));
    world.first_tags(&arn, world.now, &tags);
    world.profiles.insert((domain, name), spec);
    Ok(json!({"UserProfileArn": arn}))
}

fn create_space(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let key = |field: &str| text(input, field).unwrap_or_default().to_owned();
    let is_there = world.spaces.contains_key(&(key("DomainId"), key("SpaceName")));
    let (domain, name) = new_home(world, input, "Space", "SpaceName", is_there)?;
    let owner = input.pointer("/OwnershipSettings/OwnerUserProfileName").and_then(Value::as_str).map(str::to_owned);
    if let Some(owner) = owner.as_ref().filter(|owner| !world.profiles.contains_key(&(domain.clone(), (*owner).clone()))) {
        return Err(not_found("UserProfile", owner));
    }
    let tags = legal_tags(input)?;
    let idle = |app: &str| {
        let minutes = input.pointer(&format!("/SpaceSettings/{app}/AppLifecycleManagement/IdleSettings/IdleTimeoutInMinutes"))?;
        i32::try_from(minutes.as_i64()?).ok()
    };
    let spec = SpaceSpec {
        owner,
        jupyter_lab_idle_minutes: idle("JupyterLabAppSettings"),
        code_editor_idle_minutes: idle("CodeEditorAppSettings"),
        created: Some(When::At(world.now)),
        domain: domain.clone(),
        name: name.clone(),
        ..SpaceSpec::default()
    };
    let arn = world.arn(&format!("space/{domain}/{name}"));
    world.first_tags(&arn, world.now, &tags);
    world.spaces.insert((domain, name), spec);
    Ok(json!({"SpaceArn": arn}))
}

fn idle_of(settings: &Value) -> Option<IdleSpec> {
    let minutes = |name: &str| settings.get(name).and_then(Value::as_i64).and_then(|minutes| i32::try_from(minutes).ok());
    Some(IdleSpec {
        lifecycle_management: text(settings, "LifecycleManagement")?.to_owned(),
        idle_timeout_minutes: minutes("IdleTimeoutInMinutes"),
        min_idle_timeout_minutes: minutes("MinIdleTimeoutInMinutes"),
        max_idle_timeout_minutes: minutes("MaxIdleTimeoutInMinutes"),
    })
}

/// One page of a short list. The token has the position.
fn paged(input: &Value, all: Vec<Value>, list: &str) -> Result<Value, Refusal> {
    let Page { size, after } = page_of(input, 10)?;
    let skip = after.and_then(|place| place.parse::<usize>().ok()).unwrap_or_default();
    let next = (skip + size < all.len()).then(|| format!("after:{}", skip + size));
    let page: Vec<Value> = all.into_iter().skip(skip).take(size).collect();
    Ok(with_token(json!({ list: page }), next))
}
