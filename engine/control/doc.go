// Package control serves a running engine to other processes and machines, and is the client for it.
//
// Problem. Hosts that run for long are patched from elsewhere, and people want to see what a simulation does without
// reading its log. But pushing a library is running code: whoever may do it must be known, and nobody who asks, vanishes,
// stalls or sends nonsense may disturb a tick.
//
// Mechanism. One API: HTTP/1.1 with JSON, and server-sent events for what happens (openapi.json describes it, and a test
// holds the two together). It is served on a unix socket that only its owner can open, where being able to connect is
// the right to do everything; and, if asked for, on TCP, where loopback needs a bearer token from a private file and any
// other address TLS 1.3 with a client certificate. Handlers never touch a worker: they read the engine's status, hand
// work to its pipeline, or read a ring of past events, so that a slow client costs its own goroutine and nothing else.
// Every wait has a limit: for headers, for each read of a body, for each write, for the end.
//
// Parts. server.go runs the listeners (unix.go, tcp.go, discover.go finds sockets) within limits.go; routes.go is the
// table of what there is, access.go lets requests in (role.go, token.go, certificate.go say who may do what); status.go,
// change.go, steer.go, push.go, snapshot.go, stream.go with ring.go, state.go, workers.go, metrics.go (grafana.json draws
// them) and profile.go answer, page.go serves the web page of package web; wire.go and problem.go are the JSON. client.go
// with follow.go is the other end. signature.go and pki.go make and check what deployments are trusted by.
package control
