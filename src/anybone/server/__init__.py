"""Sessions over HTTP, for the studio's page, other viewers and `anybone.connect`.

`app` puts the server together. A request passes `security` to a function in `routes`, which asks `state` to run one of
the commands in `verbs` on a session of the `store`. The `scheduler` admits the request, `autosave` writes the change to
disk, and `events` sends it to all pages that show the session. `wire` defines every request and response.
"""
