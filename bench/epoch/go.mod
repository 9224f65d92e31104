module hotreload/bench/epoch

go 1.26.0

require (
	github.com/puzpuzpuz/xsync/v4 v4.5.0
	hotreload v0.0.0
)

replace hotreload => ../..
