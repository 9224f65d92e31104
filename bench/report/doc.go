// Package report draws the reports of package bench: one HTML page that needs nothing beside itself, and a picture for
// the README.
//
// The page draws with uPlot 1.6.32 (https://github.com/leeoniya/uPlot, MIT), whose script, style and licence are in
// directory uplot as they come from its npm package.
package report
