//! SageMaker Studio: domains, user profiles, spaces, apps.

use serde_json::{Value, json};

use crate::{
    estate::IdleSpec,
    sagemaker::with_token,
    wire::{Page, Refusal, page_of, seconds, text},
    world::{App, DELETED_SHOWN, World},
};

pub(crate) fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    match operation {
        "ListApps" => list_apps(world, input),
        "DescribeApp" => {
            let app = find_app(world, input)?;
            let mut described = details(app);
            if let Some(fields) = described.as_object_mut() {
                fields.insert("AppArn".to_owned(), app.arn.clone().into());
                // AWS's health checks move both alike (aws-facts §2.2).
                fields.insert("LastHealthCheckTimestamp".to_owned(), seconds(world.now).into());
                fields.insert("LastUserActivityTimestamp".to_owned(), seconds(world.now).into());
            }
            Ok(described)
        }
        "DeleteApp" => {
            let arn = find_app(world, input)?.arn.clone();
            world.delete_app(&arn);
            Ok(json!({}))
        }
        "ListDomains" => {
            let all = world
                .domains
                .values()
                .map(|(domain, arn)| json!({"DomainId": domain.id, "DomainArn": arn, "DomainName": domain.name, "Status": "InService"}));
            paged(input, all.collect(), "Domains")
        }
        "DescribeDomain" => {
            let id = text(input, "DomainId").unwrap_or_default();
            let (domain, arn) = world.domains.get(id).ok_or_else(|| not_found("Domain", id))?;
            Ok(json!({"DomainId": domain.id, "DomainArn": arn, "DomainName": domain.name, "Status": "InService", "AuthMode": "IAM",
                      "DefaultUserSettings": user_settings(domain.jupyter_lab_idle.as_ref(), domain.code_editor_idle.as_ref())}))
        }
        "ListUserProfiles" => {
            let of = text(input, "DomainIdEquals");
            let all = world.profiles.values().filter(|profile| of.is_none_or(|domain| profile.domain == domain));
            paged(
                input,
                all.map(|profile| json!({"DomainId": profile.domain, "UserProfileName": profile.name, "Status": "InService"})).collect(),
                "UserProfiles",
            )
        }
        "DescribeUserProfile" => {
            let key =
                (text(input, "DomainId").unwrap_or_default().to_owned(), text(input, "UserProfileName").unwrap_or_default().to_owned());
            let profile = world.profiles.get(&key).ok_or_else(|| not_found("UserProfile", &key.1))?;
            Ok(
                json!({"DomainId": key.0, "UserProfileName": key.1, "UserProfileArn": world.arn(&format!("user-profile/{}/{}", key.0, key.1)), "Status": "InService",
                      "UserSettings": user_settings(profile.jupyter_lab_idle.as_ref(), profile.code_editor_idle.as_ref())}),
            )
        }
        "ListSpaces" => {
            let of = text(input, "DomainIdEquals");
            let all = world.spaces.values().filter(|space| of.is_none_or(|domain| space.domain == domain));
            paged(
                input,
                all.map(|space| json!({"DomainId": space.domain, "SpaceName": space.name, "Status": "InService"})).collect(),
                "Spaces",
            )
        }
        "DescribeSpace" => {
            let key = (text(input, "DomainId").unwrap_or_default().to_owned(), text(input, "SpaceName").unwrap_or_default().to_owned());
            let space = world.spaces.get(&key).ok_or_else(|| not_found("Space", &key.1))?;
            let idle = |minutes: Option<i32>| {
                minutes.map(|minutes| json!({"AppLifecycleManagement": {"IdleSettings": {"IdleTimeoutInMinutes": minutes}}}))
            };
            let mut settings = json!({});
            put(&mut settings, "JupyterLabAppSettings", idle(space.jupyter_lab_idle_minutes));
            put(&mut settings, "CodeEditorAppSettings", idle(space.code_editor_idle_minutes));
            Ok(
                json!({"DomainId": key.0, "SpaceName": key.1, "SpaceArn": world.arn(&format!("space/{}/{}", key.0, key.1)), "Status": "InService", "SpaceSettings": settings}),
            )
        }
        _ => Err(Refusal::not_simulated("sagemaker", operation)),
    }
}

fn not_found(kind: &str, name: &str) -> Refusal {
    Refusal::new(400, "ResourceNotFound", format!("{kind} [{name}] does not exist."))
}

fn put(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(value), Some(fields)) = (value, object.as_object_mut()) {
        fields.insert(key.to_owned(), value);
    }
}

fn user_settings(jupyter_lab: Option<&IdleSpec>, code_editor: Option<&IdleSpec>) -> Value {
    let idle = |spec: Option<&IdleSpec>| {
        spec.map(|spec| {
            let mut idle = json!({"LifecycleManagement": spec.lifecycle_management});
            put(&mut idle, "IdleTimeoutInMinutes", spec.idle_timeout_minutes.map(Value::from));
            json!({"AppLifecycleManagement": {"IdleSettings": idle}})
        })
    };
    let mut settings = json!({});
    put(&mut settings, "JupyterLabAppSettings", idle(jupyter_lab));
    put(&mut settings, "CodeEditorAppSettings", idle(code_editor));
    settings
}

fn list_apps(world: &World, input: &Value) -> Result<Value, Refusal> {
    let (domain, profile, space) = (text(input, "DomainIdEquals"), text(input, "UserProfileNameEquals"), text(input, "SpaceNameEquals"));
    if profile.is_some() && space.is_some() {
        return Err(Refusal::validation("UserProfileNameEquals and SpaceNameEquals cannot both be given".into()));
    }
    let shown = |app: &&App| app.status != "Deleted" || world.now.duration_since(app.modified) < DELETED_SHOWN;
    let all = world.apps.values().filter(shown).filter(|app| {
        domain.is_none_or(|domain| app.spec.domain == domain)
            && profile.is_none_or(|profile| app.spec.user_profile.as_deref() == Some(profile))
            && space.is_none_or(|space| app.spec.space.as_deref() == Some(space))
    });
    paged(input, all.map(details).collect(), "Apps")
}

/// `AppDetails`: no ARN in it, as in AWS's.
fn details(app: &App) -> Value {
    let mut details = json!({
        "DomainId": app.spec.domain, "AppType": app.spec.app_type, "AppName": app.spec.name, "Status": app.status,
        "CreationTime": seconds(app.created), "ResourceSpec": {"InstanceType": app.spec.instance_type},
    });
    put(&mut details, "SpaceName", app.spec.space.clone().map(Value::from));
    put(&mut details, "UserProfileName", app.spec.user_profile.clone().map(Value::from));
    details
}

fn find_app<'a>(world: &'a World, input: &Value) -> Result<&'a App, Refusal> {
    let is = |name: &str, value: Option<&str>| text(input, name) == value;
    let found = world.apps.values().find(|app| {
        is("DomainId", Some(&app.spec.domain))
            && is("AppType", Some(&app.spec.app_type))
            && is("AppName", Some(&app.spec.name))
            && is("SpaceName", app.spec.space.as_deref())
            && is("UserProfileName", app.spec.user_profile.as_deref())
    });
    found.filter(|app| app.status != "Deleted").ok_or_else(|| not_found("App", text(input, "AppName").unwrap_or_default()))
}

/// One page of a short list; the token is the place.
fn paged(input: &Value, all: Vec<Value>, list: &str) -> Result<Value, Refusal> {
    let Page { size, after } = page_of(input, 10)?;
    let skip = after.and_then(|place| place.parse::<usize>().ok()).unwrap_or_default();
    let next = (skip + size < all.len()).then(|| format!("after:{}", skip + size));
    let page: Vec<Value> = all.into_iter().skip(skip).take(size).collect();
    Ok(with_token(json!({ list: page }), next))
}
