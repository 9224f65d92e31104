// Package report draws the reports of package bench: one HTML page that needs nothing beside itself, and a picture for
// the README.
//
// The page draws with uPlot, like the web page of package control.
package report
