//! Executes operations: who asks, how much it is, what comes of it. Every way in goes through here.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response, ServerError};
use domain::auth::Actor;
use domain::{App, Error, Result};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::TaskTracker;

use crate::answer::{Answer, Whole};
use crate::audit;
use crate::auth::{self, Bearer};
use crate::config::{ApiConfig, Limits};
use crate::error::{code, refusal, told};
use crate::limits;
use crate::load::Load;
use crate::loaders::{Driven, Loaders};
use crate::log::{Feeds, SearchGate, Tailers};
use crate::logins::Logins;
use crate::metrics::{Label, Meter, Metrics, Momentary};
use crate::places::Place;
use crate::rates::Rates;
use crate::rules;
use crate::schema::{self, PlatformSchema};
use crate::shared::{Asked, Begin, Evaluations, Question, Wanted};
use crate::span::{self, Spanned};
use crate::standing::Standing;
use crate::weight;

/// A document of more bytes takes so long to read that it has to have a place, as a long operation.
const WORDY: usize = 4096;

/// The schema with everything that it needs.
pub(crate) struct Engine {
    schema: PlatformSchema,
    app: App,
    limits: Limits,
    introspection: bool,
    evaluations: Evaluations,
    feeds: Feeds,
    logins: Logins,
    rates: Rates,
    load: Load,
    metrics: Arc<Metrics>,
    tracker: TaskTracker,
    /// Between two looks at who follows something.
    recheck: Duration,
}

/// An operation that may be executed.
struct Admitted {
    request: Request,
    /// What it is given: a query may read elsewhere than everything else.
    app: App,
    /// If its answers can be shared.
    wanted: Option<Wanted>,
    /// Who subscribes, if it is a subscription.
    subscriber: Option<Actor>,
    /// What it has until it is answered, or for as long as it goes on.
    held: Held,
    /// If it takes long to compute.
    long: Option<Place>,
}

/// What an operation has that others then cannot have.
struct Held {
    /// Among the operations in flight, or among the subscriptions.
    _place: Place,
    /// Among the queries of its token.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Engine {
    /// An engine for one platform.
    pub(crate) fn new(config: &ApiConfig, app: App, tracker: TaskTracker) -> Self {
        let mut builder = schema::builder()
            .limit_depth(config.limits.depth)
            .limit_complexity(config.limits.complexity)
            .limit_directives(config.limits.directives)
            .data(app.clone())
            .data(tracker.clone())
            .data(SearchGate::default())
            .data(Tailers::default());
        if !config.introspection {
            builder = builder.disable_suggestions();
        }
        let schema = builder.finish();
        Self {
            metrics: Arc::new(Metrics::new(&schema.sdl(), &app)),
            load: Load::new(&config.capacity, app.metrics.load.clone()),
            schema,
            app,
            limits: config.limits,
            introspection: config.introspection,
            evaluations: Evaluations::default(),
            feeds: Feeds::default(),
            logins: Logins::new(config.counts.clone()),
            rates: Rates::new(config.rate, config.counts.clone()),
            tracker,
            recheck: config.timing.recheck,
        }
    }

    /// Executes a query or a mutation.
    pub(crate) async fn execute(&self, bearer: Option<&Bearer>, request: Request) -> Whole {
        let mut meter = self.metrics.begin(Label::OTHER);
        let answer = match self.admit(bearer, request, &mut meter).await {
            Ok(Admitted {
                request,
                app,
                held: _held,
                long,
                ..
            }) => self.answer(app, request, long).await,
            Err(error) => Whole::from(told(Response::from_errors(vec![error]))),
        };
        meter.answered(answer.code);
        answer
    }

    /// Executes any operation: a query or a mutation has one result. Of states only the newest is given to whoever was
    /// slow, and only while whoever subscribed is still who he was.
    pub(crate) fn results(
        self: Arc<Self>,
        bearer: Option<Bearer>,
        request: Request,
    ) -> impl Stream<Item = Answer> + Send {
        let results = async move {
            let mut meter = self.metrics.begin(Label::OTHER);
            let since = self.app.events.access().now();
            let admitted = self.admit(bearer.as_ref(), request, &mut meter).await;
            let (answers, subscriber, mut held) = match admitted {
                Ok(admitted) => {
                    let subscriber = admitted.subscriber.clone();
                    let (answers, held) = Arc::clone(&self).admitted(admitted);
                    (answers, subscriber, Some(held))
                }
                Err(error) => {
                    let refused = told(Response::from_errors(vec![error]));
                    (stream::iter([refused.into()]).boxed(), None, None)
                }
            };
            let goes_on = subscriber.is_some();
            let answers = match bearer.zip(subscriber) {
                Some((bearer, actor)) => {
                    let standing = Standing::new(&self, bearer, &actor, since, self.recheck);
                    standing.guard(answers).boxed()
                }
                None => answers,
            };
            answers.inspect(move |answer| {
                meter.answered(answer.code());
                // Whoever is slow to take an answer keeps nobody from getting his.
                if !goes_on {
                    drop(held.take());
                }
            })
        };
        // To begin needs far more memory than to go on, and has it only meanwhile.
        stream::once(results.boxed()).flatten()
    }

    /// The results of an operation that may be executed, and what it has meanwhile.
    fn admitted(self: Arc<Self>, admitted: Admitted) -> (BoxStream<'static, Answer>, Held) {
        let Admitted {
            request,
            app,
            wanted,
            subscriber: _,
            held,
            long,
        } = admitted;
        let answers = match wanted {
            None if long.is_some() => {
                let answer = async move { self.answer(app, request, long).await };
                stream::once(answer).boxed()
            }
            None => self.begin(app, request),
            Some(wanted) if wanted.is_log() => self.follow_log(wanted.question, request),
            // What is wrong with it is told where everything else is checked.
            Some(wanted) if wanted.has_no_position() => self.begin(app, request),
            Some(wanted) => {
                let (engine, question) = (Arc::clone(&self), wanted.question.clone());
                let begin: Begin = Arc::new(move |share| {
                    engine.begin(app.clone(), question.request().data(share))
                });
                self.evaluations.join(wanted, &self.tracker, &begin)
            }
        };
        (answers, held)
    }

    /// Who this is.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the token is not good.
    pub(crate) async fn sign_in(&self, bearer: &Bearer) -> Result<Actor> {
        self.may_try(bearer).await?;
        self.look_up(bearer).await
    }

    /// Who it is now that was found to be somebody before. Whoever has twenty streams guesses nothing if they all end.
    ///
    /// # Errors
    /// As [`Engine::sign_in`].
    pub(crate) async fn look_again(&self, bearer: &Bearer) -> Result<Actor> {
        auth::sign_in(&self.app, bearer).await
    }

    /// Who asks for something now, unless it is too often.
    ///
    /// # Errors
    /// As [`Engine::sign_in`], and [`Error::RateLimited`].
    pub(crate) async fn enter(&self, bearer: &Bearer) -> Result<Actor> {
        self.may_try(bearer).await?;
        // Whoever only guesses was stopped before he is remembered here.
        if let Some(person) = bearer.of_a_person() {
            self.rates.take(&person).await?;
        }
        self.look_up(bearer).await
    }

    /// What is signed is not guessed; an agent's token of a run that is over comes again and again.
    async fn may_try(&self, bearer: &Bearer) -> Result<()> {
        let address = bearer.origin().address.as_str();
        match bearer.guessable() {
            Some(token) => self.logins.check(address, token).await,
            None => Ok(()),
        }
    }

    async fn look_up(&self, bearer: &Bearer) -> Result<Actor> {
        let signed_in = auth::sign_in(&self.app, bearer).await;
        match (&signed_in, bearer.guessable()) {
            (Ok(_), Some(token)) => self.logins.succeeded(token).await,
            (Err(Error::Unauthenticated), Some(_)) => {
                self.logins.failed(&bearer.origin().address).await;
            }
            (Ok(_) | Err(_), _) => {}
        }
        if let Ok(actor) = &signed_in {
            span::note_actor(actor);
        }
        signed_in
    }

    /// The sign-ins.
    pub(crate) fn logins(&self) -> &Logins {
        &self.logins
    }

    /// Answers what did not become an operation, with an error of ours.
    pub(crate) fn refuse(&self, error: Error) -> Whole {
        self.metrics.refused(code(&error));
        told(Response::from_errors(vec![refusal(error)])).into()
    }

    /// What is measured.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What is measured, as text. Asks no database.
    pub(crate) fn metrics_text(&self) -> String {
        self.metrics.text(&Momentary {
            evaluations: self.evaluations.count() + self.feeds.count(),
            tailers: self.app.logs.n_tailers(),
            pools: self.app.store.pools(),
            connections: self.load.n_connections(),
            operations: self.load.n_operations(),
            writes: self.app.store.n_writes(),
            submits: self.app.submits.n_waiting(),
        })
    }

    /// How much is done at the same time.
    pub(crate) fn load(&self) -> &Load {
        &self.load
    }

    /// The platform.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Whether the database can be reached.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if not.
    pub(crate) async fn is_ready(&self) -> Result<()> {
        Ok(self.app.reader().ping().await?)
    }

    /// The one answer of an operation; one that takes long is computed, and written down, where it is in nobody's way.
    async fn answer<T>(&self, app: App, request: Request, long: Option<Place>) -> T
    where
        T: From<Response> + Send + 'static,
    {
        let loaders = Arc::new(Loaders::new(app.clone()));
        let request = request.data(Arc::clone(&loaders)).data(app);
        let schema = self.schema.clone();
        let answer = stream::once(async move { schema.execute(request).await }).boxed();
        let mut driven = Driven::new(answer, loaders);
        let answer = async move {
            let response = driven.next().await;
            response.map(|response| T::from(told(response)))
        };
        let answer = match long {
            Some(_place) => self.load.lane.run(answer).await,
            None => Ok(answer.await),
        };
        let lost = || Error::internal("an operation ended without an answer");
        match answer.and_then(|answer| answer.ok_or_else(lost)) {
            Ok(answer) => answer,
            Err(error) => told(Response::from_errors(vec![refusal(error)])).into(),
        }
    }

    /// The results of an operation. Who joins later does not change under whose id it is logged.
    fn begin(&self, app: App, request: Request) -> BoxStream<'static, Answer> {
        let loaders = Arc::new(Loaders::new(app.clone()));
        let request = request.data(Arc::clone(&loaders)).data(app);
        let results = Driven::new(self.schema.execute_stream(request), loaders);
        Spanned::here(answers(results).boxed()).boxed()
    }

    fn follow_log(
        self: Arc<Self>,
        question: Question,
        request: Request,
    ) -> BoxStream<'static, Answer> {
        let engine = Arc::clone(&self);
        let again = move |question: &Question, course| {
            engine.begin(engine.app.clone(), question.request().data(course))
        };
        let first = |course| self.begin(self.app.clone(), request.data(course));
        self.feeds
            .follow(question, &self.tracker, first, Arc::new(again))
    }

    /// A request whose document was read where that is in nobody's way.
    async fn parsed(&self, mut request: Request) -> std::result::Result<Request, ServerError> {
        let parsed = async move { request.parsed_query().map(drop).map(|()| request) };
        match self.load.lane.run(parsed).await {
            Ok(parsed) => parsed,
            Err(error) => Err(refusal(error)),
        }
    }

    /// Finds out who asks, and whether it is not too much. Without a token one can ask what the schema is, nothing else.
    async fn admit(
        &self,
        bearer: Option<&Bearer>,
        mut request: Request,
        meter: &mut Meter,
    ) -> std::result::Result<Admitted, ServerError> {
        let holder = self.load.holder(bearer);
        let place = self.load.operation(holder).map_err(refusal)?;
        let actor = match bearer {
            Some(bearer) => Some(self.enter(bearer).await.map_err(refusal)?),
            None => None,
        };
        // Whoever has too many of these waits before anybody looks at more.
        let is_wordy = request.query.len() > WORDY;
        let wordy = match is_wordy {
            true => Some(self.load.long_operation(holder).await.map_err(refusal)?),
            false => None,
        };
        if has_nul(&request) {
            let reason = "no text may contain the character U+0000";
            return Err(refusal(Error::invalid("variables", reason)));
        }
        limits::check_length(&request.query, &self.limits)?;
        let operation = request.operation_name.clone();
        let variables = std::mem::take(&mut request.variables);
        if is_wordy {
            request = self.parsed(request).await?;
        }
        let document = request.parsed_query()?;
        meter.is_of(document, operation.as_deref());
        span::note_label(meter.label());
        limits::check(document, &self.limits)?;
        if !self.introspection && limits::asks_for_schema(document) {
            let reason = "this platform does not tell its schema".to_owned();
            return Err(refusal(Error::Forbidden(reason)));
        }
        let Some(actor) = actor else {
            return if limits::is_introspection(document) {
                meter.admitted();
                request.variables = variables;
                Ok(Admitted {
                    request,
                    app: self.app.clone(),
                    wanted: None,
                    subscriber: None,
                    held: Held {
                        _place: place,
                        _turn: None,
                    },
                    long: None,
                })
            } else {
                Err(refusal(Error::Unauthenticated))
            };
        };
        let refused = rules::refused(document, &actor);
        if let Some((field, error)) = refused {
            let is_change = limits::is_mutation(document);
            if let Some(user) = actor.user().filter(|_| is_change) {
                let (field, origin) = (field.clone(), bearer.map(Bearer::origin));
                audit::refused(&self.app, user, origin, &field, &variables, &error)
                    .await
                    .map_err(refusal)?;
            }
            return Err(refusal(error));
        }
        let kind = meter.label().operation;
        let is_long = kind == "query" && weight::is_long(document, &variables);
        let asked = Asked::of(document, operation.as_deref());
        let subscriber = limits::is_subscription(document).then(|| actor.clone());
        request.variables = variables;
        let long = match (is_long, wordy) {
            (false, _) => None,
            (true, Some(place)) => Some(place),
            (true, None) => Some(self.load.long_operation(holder).await.map_err(refusal)?),
        };
        let (place, turn) = match kind {
            "query" => {
                let turn = self.load.query(holder, &self.app).await;
                (place, turn.map_err(refusal)?)
            }
            "mutation" => {
                self.load.mutation(holder, &self.app).map_err(refusal)?;
                (place, None)
            }
            "subscription" => (self.load.subscription(holder).map_err(refusal)?, None),
            _ => (place, None),
        };
        meter.admitted();
        let wanted = asked.map(|asked| asked.wanted(&request, &actor));
        let origin = bearer.map(Bearer::origin).cloned();
        // Subscriptions look when they are woken, which is too early for a copy; and who changes something reads what he changes.
        let app = match kind {
            "query" => {
                let app = self.app.for_query().await;
                match &long {
                    Some(_) => App {
                        store: app.store.clone().for_long_query(),
                        ..app
                    },
                    None => app,
                }
            }
            _ => self.app.clone(),
        };
        let mut request = request.data(actor).data(origin.unwrap_or_default());
        if let Some(bearer) = bearer {
            request = request.data(bearer.clone());
        }
        Ok(Admitted {
            request,
            app,
            wanted,
            subscriber,
            held: Held {
                _place: place,
                _turn: turn,
            },
            long,
        })
    }
}

/// Results as texts. A mistake of ours that nobody expected is the last one.
fn answers(results: Driven) -> impl Stream<Item = Answer> + Send {
    AssertUnwindSafe(results).catch_unwind().map(|result| {
        let panicked = |_panic| {
            let failure = refusal(Error::internal("an operation panicked"));
            Response::from_errors(vec![failure])
        };
        told(result.unwrap_or_else(panicked)).into()
    })
}

/// Whether a text in it has the one character that PostgreSQL cannot store. In the document it can only be written as
/// an escape.
fn has_nul(request: &Request) -> bool {
    let escaped = ["\\u0000", "\\u{0"];
    let in_document =
        |text: &str| text.contains('\0') || escaped.iter().any(|nul| text.contains(nul));
    in_document(&request.query)
        || request
            .variables
            .iter()
            .any(|(_, value)| value.to_string().contains("\\u0000"))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use crate::config::ApiConfig;
    use crate::testing::{TestApi, refusal};

    const ROOTS: &str = "{ __schema {
        queryType { fields { name } } mutationType { fields { name } } subscriptionType { fields { name } }
    } }";

    #[tokio::test]
    async fn without_a_token_one_learns_the_schema_and_nothing_else() {
        let api = TestApi::with_nodes(1).await;
        let answer = api.ask(None, ROOTS, json!({})).await;
        for (root, keyword) in [
            ("queryType", "query"),
            ("mutationType", "mutation"),
            ("subscriptionType", "subscription"),
        ] {
            let fields = answer["data"]["__schema"][root]["fields"]
                .as_array()
                .unwrap();
            assert!(fields.len() > 3);
            for field in fields {
                let query = format!("{keyword} {{ {} }}", field["name"].as_str().unwrap());
                let refused = refusal(&api.ask(None, &query, json!({})).await);
                assert_eq!(refused.code, "UNAUTHENTICATED", "{query}");
            }
        }
    }

    #[tokio::test]
    async fn a_wrong_token_is_refused_whatever_it_asks_for() {
        let api = TestApi::with_nodes(1).await;
        for token in ["", "ACCESS-0000", "a.b.c"] {
            for query in ["{ me { name } }", ROOTS, "nonsense"] {
                let refused = refusal(&api.ask(Some(token), query, json!({})).await);
                assert_eq!(refused.code, "UNAUTHENTICATED", "{query}");
            }
        }
    }

    #[tokio::test]
    async fn a_document_that_asks_for_too_much_is_refused() {
        let api = TestApi::with_nodes(1).await;
        let mut deep = "name".to_owned();
        for _ in 0..20 {
            deep = format!("ofType {{ {deep} }}");
        }
        let mut wide = String::new();
        for n in 0..101 {
            let _ = write!(wide, "a{n}: __typename ");
        }
        for query in [
            format!("{{ __schema {{ types {{ {deep} }} }} }}"),
            format!("{{ {wide} }}"),
            "{ tasks(first: 500) { nodes { runs(first: 500) { nodes { number } } } } }".to_owned(),
            "{ me { name @skip(if: false) @skip(if: false) } }".to_owned(),
            "nonsense".to_owned(),
            "{ unknown }".to_owned(),
        ] {
            let root = &api.platform.root_token;
            let refused = api.refusal(root, &query, json!({})).await;
            assert_eq!(refused.code, "INVALID_INPUT", "{query}");
        }
    }

    /// As long as the longest type of GraphiQL's question.
    #[tokio::test]
    async fn tools_can_ask_for_the_whole_schema() {
        let api = TestApi::with_nodes(1).await;
        let mut of_type = "kind name".to_owned();
        for _ in 0..9 {
            of_type = format!("kind name ofType {{ {of_type} }}");
        }
        let query = format!(
            "query IntrospectionQuery {{ __schema {{
                types {{ fields {{ args {{ ...Input }} type {{ ...Ref }} }} inputFields {{ ...Input }}
                         interfaces {{ ...Ref }} possibleTypes {{ ...Ref }} enumValues {{ name }} }}
                directives {{ name args {{ ...Input }} }}
            }} }}
            fragment Input on __InputValue {{ name type {{ ...Ref }} defaultValue }}
            fragment Ref on __Type {{ {of_type} }}"
        );
        let answer = api.ask(None, &query, json!({})).await;
        assert!(answer.get("errors").is_none(), "{}", answer["errors"]);
    }

    #[tokio::test]
    async fn a_platform_may_keep_its_schema_to_itself() {
        let config = ApiConfig {
            introspection: false,
            ..ApiConfig::default()
        };
        let api = TestApi::with_config(1, &config).await;
        let token = Some(api.platform.root_token.reveal());
        for token in [None, token] {
            let refused = refusal(&api.ask(token, ROOTS, json!({})).await);
            assert_eq!(refused.code, "FORBIDDEN");
        }
        assert_eq!(
            api.root("{ me { name } }", json!({})).await["me"]["name"],
            "admin"
        );
    }
}
