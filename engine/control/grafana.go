package control

import _ "embed"

// Dashboard is a Grafana dashboard over what /metrics answers, to be imported.
//
//go:embed grafana.json
var Dashboard string
