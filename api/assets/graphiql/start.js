// Starts GraphiQL: queries and mutations go over POST, subscriptions through a WebSocket. The token that is typed into
// the headers editor is used for both and is not kept.
"use strict";

(() => {
  const http = new URL(location.pathname, location.origin);
  const socket = new URL(http);
  socket.protocol = socket.protocol === "https:" ? "wss:" : "ws:";

  const isSubscription = (document, name) =>
    (document?.definitions ?? []).some(
      (definition) =>
        definition.kind === "OperationDefinition" &&
        definition.operation === "subscription" &&
        (!name || definition.name?.value === name),
    );

  const post = async (params, headers) => {
    const response = await fetch(http, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(params),
    });
    return response.json();
  };

  // One connection per subscription, because each may come with another token. It ends with its subscription.
  const follow = (params, headers) =>
    graphqlWs
      .createClient({ url: socket.href, connectionParams: headers, retryAttempts: 0 })
      .iterate(params);

  // Before a token is typed in, there is none: the schema is told to everybody.
  const withoutEmptyToken = (headers) =>
    Object.fromEntries(
      Object.entries(headers).filter(
        ([name, value]) => name.toLowerCase() !== "authorization" || !/^\s*(bearer)?\s*$/i.test(value),
      ),
    );

  const fetcher = (params, options) => {
    const headers = withoutEmptyToken(options?.headers ?? {});
    return isSubscription(options?.documentAST, params.operationName)
      ? follow(params, headers)
      : post(params, headers);
  };

  const welcome = `# Put your token into the headers below, then press Ctrl-Enter.
# Subscriptions work, too.

query Welcome {
  me {
    name
  }
  tasks(first: 10) {
    nodes {
      id
      name
      state
    }
  }
}
`;

  ReactDOM.createRoot(document.getElementById("graphiql")).render(
    React.createElement(GraphiQL, {
      fetcher,
      defaultQuery: welcome,
      defaultHeaders: '{\n  "Authorization": "Bearer "\n}\n',
      defaultEditorToolsVisibility: "headers",
      shouldPersistHeaders: false,
    }),
  );
})();
