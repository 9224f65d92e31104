#!/bin/sh
# Checks the model of the publication protocol: the protocol must have no error, and every broken variant must break the
# property that it is listed with. Usage: sh epoch/model/run.sh [full]. "full" adds larger sizes: about ten minutes and
# 10 GB of memory.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

# check WANT FLAGS...: one run. WANT is "sound", or the assertions that may fail, separated by |.
check() {
	want=$1
	shift
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	start=$(date +%s)
	optimise=-O0
	[ "$want" = sound ] && optimise=-O1
	spin -a "$@" "$here/epoch.pml" >spin.log 2>&1 || { cat spin.log; echo "FAIL: spin rejects $*"; exit 1; }
	cc $optimise -w -DSAFETY -DCOLLAPSE -DVECTORSZ=512 -DMEMLIM=16000 -o pan pan.c
	./pan -m100000 -n >pan.log 2>&1 || true
	states=$(awk '/states, stored/ { print $1; exit }' pan.log)
	broken=$(sed -n 's/^pan:[0-9]*: *//; s/^assertion violated *!(\([a-z_]*\)).*/\1/p; s/^\(invalid end state\).*/\1/p' pan.log)
	if grep -q 'errors: 0' pan.log && ! grep -Eq 'max search depth|out of memory|reached -DMEMLIM' pan.log; then
		got=sound
	else
		got=${broken:-"no verdict"}
	fi
	case "|$want|" in
	*"|$got|"*) verdict=ok ;;
	*) verdict=FAIL ;;
	esac
	printf '%-4s %-16s %9s states %3ds  %s\n' "$verdict" "$got" "$states" "$(($(date +%s) - start))" "$*"
	[ "$verdict" = ok ] || { echo "     expected $want"; cat pan.log; exit 1; }
}

if [ "${1:-}" = check ]; then
	shift
	check "$@"
	exit
fi

if ! command -v spin >/dev/null; then
	echo "spin is needed: apt-get install spin (Debian, Ubuntu), brew install spin, or https://spinroot.com" >&2
	exit 1
fi

{
	cat <<-'END'
	sound -DNG=3 -DTICKS=2 -DPARKS=0 -DLEAVES -DLATE=1 -DUNRETIRED
	sound -DNG=2 -DTICKS=2 -DPARKS=0 -DLEAVES -DLATE=1
	sound -DNG=3 -DTICKS=2 -DPARKS=1 -DNW=1
	sound -DNG=3 -DTICKS=3 -DPARKS=1 -DNW=1 -DGRACE=1
	sound -DIMMEDIATE -DNG=2 -DTICKS=2 -DPARKS=0
	sound -DIMMEDIATE -DNG=2 -DTICKS=1 -DPARKS=1
	sound -DIMMEDIATE -DNG=3 -DTICKS=2 -DPARKS=2 -DNW=1
	sound -DIMMEDIATE -DNG=3 -DTICKS=3 -DPARKS=1 -DNW=1 -DGRACE=1
	sound -DLOOKS -DNG=3 -DTICKS=2 -DPARKS=2 -DNW=1
	sound -DLOOKS -DIMMEDIATE -DNG=3 -DTICKS=2 -DPARKS=2 -DNW=1
	sound -DLOOKS -DNG=3 -DTICKS=3 -DPARKS=0 -DLATE=1 -DNW=1
	returns_dead|reclaims_used -DLOOK_IGNORED -DLOOKS -DNG=2 -DPARKS=0 -DLATE=1 -DNW=1
	returns_dead|reclaims_used -DLOOK_IGNORED -DLOOKS -DIMMEDIATE -DNG=3 -DPARKS=1 -DNW=1
	returns_dead|reclaims_used -DMET_READ_LATE -DIMMEDIATE -DNG=3 -DPARKS=2 -DNW=1
	returns_dead|reclaims_used -DFREED_EARLY -DNW=1 -DPARKS=0
	returns_dead|reclaims_used -DUNMET_IGNORED -DNG=3 -DPARKS=1 -DNW=1
	returns_dead|reclaims_used -DUNMET_IGNORED -DIMMEDIATE -DNG=3 -DPARKS=1 -DNW=1
	returns_dead|reclaims_used -DTARGETS_READ_FIRST -DIMMEDIATE -DNG=2 -DPARKS=0
	returns_dead|reclaims_used -DJOIN_BELOW_HORIZON -DNG=2 -DLATE=1 -DPARKS=0
	returns_dead|reclaims_used -DHORIZON_LATE -DNG=2 -DLATE=1 -DPARKS=0
	misaligned -DSLOTS_READ_FIRST -DUNCHECKED -DUNRETIRED -DNG=2 -DPARKS=0
	misaligned -DSEALED_WITHOUT_FLOOR -DUNCHECKED -DUNRETIRED -DNG=2 -DPARKS=0
	misaligned -DFLOOR_NOT_RAISED -DUNCHECKED -DUNRETIRED -DNG=2 -DPARKS=0
	misaligned -DFLOOR_WITHOUT_DEPARTED -DUNCHECKED -DUNRETIRED -DNG=2 -DPARKS=0 -DLEAVES
	misaligned -DCLOSE_BEGUN -DUNCHECKED -DUNRETIRED -DNG=2 -DPARKS=0 -DLEAVES -DLATE=1
	misaligned -DREGISTERED_LATE -DUNCHECKED -DUNRETIRED -DNG=2 -DPARKS=0 -DLATE=1
	misaligned -DANNOUNCE_LATE -DUNCHECKED -DUNRETIRED -DNG=2 -DPARKS=1
	misaligned -DFAST_KEPT -DUNCHECKED -DUNRETIRED -DNG=2 -DPARKS=1
	blames_falsely -DSLOTS_READ_FIRST -DUNRETIRED -DNG=2 -DPARKS=0
	reads_cut -DCUT_BY_NEWEST -DNG=3 -DTICKS=1 -DPARKS=0
	reads_cut -DLINKED_LATE -DNG=2 -DTICKS=1 -DPARKS=0 -DUNRETIRED
	lost_wakeup -DWANTED_LATE -DNG=2 -DPARKS=0
	lost_wakeup -DWANTED_READ_EARLY -DNG=2 -DPARKS=0
	lost_wakeup -DWANTED_RAISED_LATE -DNG=3 -DPARKS=0
	lost_wakeup -DPARK_SILENT -DIMMEDIATE -DNG=2 -DTICKS=1 -DPARKS=1
	lost_wakeup -DPARK_UNNOTED -DIMMEDIATE -DNG=2 -DTICKS=1 -DPARKS=1
	lost_wakeup -DLEAVE_SILENT -DNG=2 -DTICKS=1 -DPARKS=0 -DLEAVES
	END
	[ "${1:-}" != full ] || cat <<-'END'
	sound -DNG=3 -DTICKS=1 -DPARKS=0
	sound -DNG=3 -DTICKS=2 -DPARKS=0
	sound -DNG=3 -DTICKS=1 -DPARKS=1
	sound -DNG=3 -DTICKS=3 -DPARKS=0 -DUNRETIRED
	sound -DNG=2 -DTICKS=2 -DPARKS=1
	sound -DNG=2 -DTICKS=3 -DPARKS=0 -DLEAVES -DLATE=1
	sound -DNG=2 -DTICKS=2 -DPARKS=0 -DNW=3 -DUNRETIRED
	sound -DNG=3 -DTICKS=3 -DPARKS=1 -DLEAVES -DLATE=1 -DUNRETIRED
	sound -DLOOKS -DNG=2 -DTICKS=2 -DPARKS=1
	sound -DLOOKS -DNG=2 -DTICKS=2 -DPARKS=0 -DLATE=1
	sound -DLOOKS -DNG=3 -DTICKS=2 -DPARKS=0 -DLATE=1
	sound -DLOOKS -DNG=3 -DTICKS=2 -DPARKS=1 -DUNRETIRED
	sound -DLOOKS -DIMMEDIATE -DNG=2 -DTICKS=1 -DPARKS=2
	sound -DIMMEDIATE -DNG=2 -DTICKS=1 -DPARKS=2
	sound -DIMMEDIATE -DNG=2 -DTICKS=1 -DPARKS=1 -DLEAVES -DLATE=1
	sound -DIMMEDIATE -DNG=3 -DTICKS=2 -DPARKS=0
	END
} | xargs -P "$(nproc 2>/dev/null || echo 2)" -I '{}' sh -c 'exec sh "$0" check $(printf %s "$1")' "$here/run.sh" '{}'
