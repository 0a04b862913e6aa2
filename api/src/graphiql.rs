//! GraphiQL, the page on which people try queries. Every byte of it comes from here.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{Html, IntoResponse, Response};

const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// What the page may load: its own files, the fonts inside its style sheet, and this server. Its components set styles
/// from code, which counts as inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    font-src data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// A file of the page.
struct File {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

macro_rules! file {
    ($name:literal, $content_type:expr) => {
        File {
            name: $name,
            content_type: $content_type,
            content: include_bytes!(concat!("../assets/graphiql/", $name)),
        }
    };
}

/// `assets/graphiql/README.md` says where they come from.
static FILES: [File; 7] = [
    file!("graphiql.min.js", JS),
    file!("graphiql.min.css", CSS),
    file!("react.production.min.js", JS),
    file!("react-dom.production.min.js", JS),
    file!("graphql-ws.min.js", JS),
    file!("start.js", JS),
    file!("start.css", CSS),
];

/// The page.
pub(crate) fn page() -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    let page = include_str!("../assets/graphiql/index.html");
    (headers, Html(page)).into_response()
}

/// A file of the page.
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => {
            let headers = [
                (CONTENT_TYPE, file.content_type),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (CACHE_CONTROL, "max-age=3600"),
            ];
            (headers, file.content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_its_own_files_and_nothing_else() {
        let page = include_str!("../assets/graphiql/index.html");
        let loaded: Vec<&str> = page
            .split(['"', '\''])
            .filter(|text| text.ends_with(".js") || text.ends_with(".css"))
            .collect();
        for path in &loaded {
            let name = path.strip_prefix("graphiql/");
            let is_ours = |name| FILES.iter().any(|file| file.name == name);
            assert!(name.is_some_and(is_ours), "{path}");
        }
        assert_eq!(loaded.len(), FILES.len());
        assert!(!page.contains("//"), "an address of somewhere else");
        assert!(!page.contains("<style") && !page.contains(" style="));
    }
}
