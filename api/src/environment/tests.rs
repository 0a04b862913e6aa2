//! Environments through the schema.

use serde_json::json;

use crate::testing::TestApi;

#[tokio::test]
async fn the_environments_come_with_the_default_first() {
    let api = TestApi::with_nodes(1).await;
    let (ana, token) = api.platform.user("ana").await;
    let query = "{ environments { name image value isDefault python cuda hfEnvs } }";
    let only = json!([{
        "name": "default", "image": "", "value": 1, "isDefault": true, "python": "", "cuda": "",
        "hfEnvs": [],
    }]);
    assert_eq!(
        api.data(&token, query, json!({})).await["environments"],
        only
    );
    let name = &ana.user().unwrap().name;
    api.platform
        .write(async |tx| domain::environment::grant(tx, name, "default", 0, None).await)
        .await
        .unwrap();
    assert_eq!(
        api.data(&token, query, json!({})).await["environments"],
        json!([])
    );
}
