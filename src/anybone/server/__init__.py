"""Sessions over HTTP: what the studio's page, other viewers and `anybone.connect` talk to.

`app` puts it together. A request passes `security` to a route (`routes`, `house`, `monai_label`), which finds the
`Work` that it means in the `store`, and acts on it by a verb of `verbs`, the way `studio` does. `jobs` does what takes
longer, `ahead` what will be asked for next, `events` tells all who look on; the `store` keeps each change on disk.
"""
