//! One route described: what it is for, what it is asked with, what it answers.
//!
//! Every status a route may answer with is listed, and no other: the refusals by the rooms they come from, all by the same
//! document. Media types and sizes of bodies are the route table's, statuses the table of problems'.

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation as Described, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder, ResponsesBuilder, Schema,
};

use super::refusal::{self, FRONT, STORE};
use super::{BEARER, PROBLEM, shape};
use crate::http::api_error::{Gives, Problem};
use crate::http::query::PAGE_SIZE_MAX;
use crate::http::route::{Body, ROUTES, Route, Verb};

type Shapes = Vec<(String, RefOr<Schema>)>;

/// A route and what is said of it (接口操作).
#[derive(Clone)]
pub(in crate::http) struct Operation {
    verb: Verb,
    path: &'static str,
    summary: &'static str,
    open: bool,
    parameters: Vec<Parameter>,
    takes: Option<RefOr<Schema>>,
    gives: Vec<(Gives, Response)>,
    refuses: Vec<Problem>,
    shapes: Shapes,
}

fn with_children<T: ToSchema>(shapes: &mut Shapes) -> RefOr<Schema> {
    shapes.push((T::name().into_owned(), T::schema()));
    T::schemas(shapes);
    shape::named(&T::name())
}

impl Operation {
    /// A route of the table, by method and path.
    pub(in crate::http) fn new(verb: Verb, path: &'static str, summary: &'static str) -> Self {
        let parameters = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| parameter(name, ParameterIn::Path, true, of_path(name), ""))
            .collect();
        let (takes, gives, refuses, shapes) = (None, Vec::new(), Vec::new(), Vec::new());
        Self { verb, path, summary, open: false, parameters, takes, gives, refuses, shapes }
    }

    /// Nobody has to be signed in.
    pub(in crate::http) fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// What else it may refuse than what follows from its body, its query and who may ask.
    pub(in crate::http) fn refuses(mut self, problems: &[Problem]) -> Self {
        self.refuses.extend(problems);
        self
    }

    /// A parameter of the query that may be left out.
    pub(in crate::http) fn query(mut self, name: &str, shape: Schema, about: &str) -> Self {
        self.parameters.push(parameter(name, ParameterIn::Query, false, shape, about));
        self
    }

    /// `page` and `page_size`.
    pub(in crate::http) fn paged(self) -> Self {
        let most = format!("Rows of a page; more than {PAGE_SIZE_MAX} is cut to that.");
        self.query("page", shape::number(1, None), "From 1.").query(
            "page_size",
            shape::number(1, None),
            &most,
        )
    }

    /// A header field of the request.
    pub(in crate::http) fn header(mut self, name: &str, needed: bool, shape: Schema, about: &str) -> Self {
        self.parameters.push(parameter(name, ParameterIn::Header, needed, shape, about));
        self
    }

    /// A device asks, and signs what it asks; `always`: nobody else does.
    pub(in crate::http) fn signed(self, always: bool) -> Self {
        let about = "A device's signature over the request, see `louan_schema::wire::proof`.";
        self.header("Louan-Proof", always, shape::any_text(), about)
    }

    /// The JSON it is asked with.
    pub(in crate::http) fn takes<T: ToSchema>(mut self) -> Self {
        self.takes = Some(with_children::<T>(&mut self.shapes));
        self
    }

    /// JSON with 200.
    pub(in crate::http) fn gives<T: ToSchema>(mut self, about: &str) -> Self {
        let schema = with_children::<T>(&mut self.shapes);
        self.gives.push((Gives::Content, answer(about, "application/json", schema)));
        self
    }

    /// A list of JSON with 200.
    pub(in crate::http) fn gives_list<T: ToSchema>(mut self, about: &str) -> Self {
        let one = with_children::<T>(&mut self.shapes);
        let list = utoipa::openapi::schema::ArrayBuilder::new().items(one).build();
        self.gives.push((Gives::Content, answer(about, "application/json", Schema::Array(list).into())));
        self
    }

    /// Anything else with 200.
    pub(in crate::http) fn gives_bytes(self, media_types: &[&str], about: &str) -> Self {
        self.gives_shaped(media_types, shape::bytes(), about)
    }

    /// Text with 200.
    pub(in crate::http) fn gives_text(self, media_type: &str, about: &str) -> Self {
        self.gives_shaped(&[media_type], shape::any_text(), about)
    }

    /// A JSON document of another standard, with 200.
    pub(in crate::http) fn gives_document(self, media_type: &str, about: &str) -> Self {
        self.gives_shaped(&[media_type], shape::any_object(), about)
    }

    fn gives_shaped(mut self, media_types: &[&str], shape: Schema, about: &str) -> Self {
        let mut response = ResponseBuilder::new().description(about);
        for media_type in media_types {
            let content = ContentBuilder::new().schema(Some(RefOr::T(shape.clone()))).build();
            response = response.content(*media_type, content);
        }
        self.gives.push((Gives::Content, response.build()));
        self
    }

    /// No body: a status and header fields.
    pub(in crate::http) fn gives_empty(
        mut self,
        gives: Gives,
        headers: &[(&str, Schema)],
        about: &str,
    ) -> Self {
        let mut response = ResponseBuilder::new().description(about);
        for (name, shape) in headers {
            let header = HeaderBuilder::new().schema(Some(RefOr::T(shape.clone()))).build();
            response = response.header(*name, header);
        }
        self.gives.push((gives, response.build()));
        self
    }

    pub(super) fn path(&self) -> &'static str {
        self.path
    }

    pub(super) fn method(&self) -> HttpMethod {
        match self.verb {
            Verb::Get => HttpMethod::Get,
            Verb::Post => HttpMethod::Post,
            Verb::Delete => HttpMethod::Delete,
            Verb::Patch => HttpMethod::Patch,
            Verb::Head => HttpMethod::Head,
            Verb::Options => HttpMethod::Options,
        }
    }

    /// The shapes it names.
    pub(super) fn schemas(&self) -> Shapes {
        self.shapes.clone()
    }

    fn route(&self) -> Option<&'static Route> {
        ROUTES.iter().find(|route| (route.method, route.path) == (self.verb, self.path))
    }

    fn body(&self) -> Body {
        self.route().map_or(Body::Empty, |route| route.body)
    }

    /// What it may refuse: the codes by their status.
    fn refusals(&self) -> BTreeMap<u16, Vec<&'static str>> {
        let mut all = [FRONT, refusal::of_body(self.body()), &self.refuses].concat();
        if !self.open {
            all.extend([STORE, &[Problem::SignInAgain]].concat());
            // A browser's request that only reads may come from anywhere: nobody there sees the answer.
            all.extend((self.verb != Verb::Get).then_some(Problem::CrossOrigin));
        }
        let asks = |parameter: &Parameter| parameter.parameter_in == ParameterIn::Query;
        all.extend(self.parameters.iter().any(asks).then_some(Problem::Invalid));
        let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
        for problem in Problem::ALL.iter().filter(|problem| all.contains(problem)) {
            by_status.entry(problem.status().as_u16()).or_default().push(problem.code());
        }
        by_status
    }

    /// The operation as OpenAPI has it.
    pub(super) fn described(&self) -> Described {
        let mut operation = OperationBuilder::new().summary(Some(self.summary));
        operation = operation.operation_id(Some(self.name()));
        if !self.parameters.is_empty() {
            operation = operation.parameters(Some(self.parameters.clone()));
        }
        let body = self.body();
        if let Some(media_type) = body.media_type() {
            let shape = self.takes.clone().unwrap_or_else(|| RefOr::T(shape::bytes()));
            let content = ContentBuilder::new().schema(Some(shape)).build();
            let most = format!("At most {} bytes.", body.bytes_max());
            let body = RequestBodyBuilder::new().description(Some(most)).content(media_type, content);
            operation = operation.request_body(Some(body.required(Some(Required::True)).build()));
        }
        let mut responses = ResponsesBuilder::new();
        for (gives, response) in &self.gives {
            responses = responses.response(gives.status().as_str(), response.clone());
        }
        for (status, codes) in self.refusals() {
            let mut refusal = Ref::from_response_name(PROBLEM);
            refusal.description = codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
            responses = responses.response(status.to_string(), refusal);
        }
        let known = if self.open {
            Vec::new()
        } else {
            vec![SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]
        };
        operation.responses(responses.build()).securities(Some(known)).build()
    }

    /// A name of its own, from method and path: generated clients call it so.
    fn name(&self) -> String {
        let words = self.path.trim_start_matches("/api/v1").split(['/', '.', '{', '}']);
        let words = words.filter(|word| !word.is_empty());
        std::iter::once(self.verb.name().to_ascii_lowercase())
            .chain(words.map(str::to_owned))
            .collect::<Vec<_>>()
            .join("_")
    }
}

fn answer(about: &str, media_type: &str, schema: RefOr<Schema>) -> Response {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(about).content(media_type, content).build()
}

fn parameter(name: &str, place: ParameterIn, needed: bool, shape: Schema, about: &str) -> Parameter {
    let required = if needed { Required::True } else { Required::False };
    let about = (!about.is_empty()).then_some(about);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(about)
        .schema(Some(shape))
        .build()
}

/// The shape of a segment of a path.
fn of_path(name: &str) -> Schema {
    match name {
        "cut_off" => shape::day(),
        "upload" | "import" => shape::draw(),
        "hash" => shape::hash(),
        _ => shape::id(),
    }
}
