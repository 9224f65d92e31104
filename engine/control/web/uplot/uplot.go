// Package uplot is uPlot 1.6.32 (https://github.com/leeoniya/uPlot, MIT licence), which draws the plots of pages that
// load nothing from elsewhere: script, style and licence as they come from its npm package.
package uplot

import _ "embed"

// Script defines the global uPlot; it is no module.
//
//go:embed uPlot.iife.min.js
var Script string

// Style is what Script needs of CSS.
//
//go:embed uPlot.min.css
var Style string
