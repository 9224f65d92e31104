// Package live is the live view of a host: what it runs, what became of the last change, and how its workers keep time, on
// a terminal and by itself up to date.
//
// A view attaches to a host through its control API, as every other client does, so that a host in the same process and
// one on another machine look the same. It asks for pictures a few times a second, is told of events as they happen, and
// when the connection breaks it says so and connects again. It never waits in the middle: what takes time is a command,
// whose answer is a message (https://charm.land, the Elm architecture).
//
//	Run       the terminal: takes it, and gives it back however the view ends
//	Source    what a view asks of a host
//	Log       the end of the host's log, where the view runs in its process
//	model     what is known of the host, and what messages change of it
//	layout    which panel gets how many lines; each panel is one file, and a function from the model to lines
package live
