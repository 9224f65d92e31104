# Builds the file `plugin` by the command in its own first line, `// build: CC ... -o LIBRARY ... SOURCE`, into plugin.so.
# What has been built before comes from the directory $CACHE.
set -e
unset DEPENDENCIES_OUTPUT # the copy is no source
command=$(sed -n '1s,^// build: ,,p' plugin)
built="$CACHE/$(cksum <plugin | tr ' ' -).so"
if ! [ -e "$built" ]; then
	source=${command##* }
	mkdir -p "$(dirname "$source")"
	cp plugin "$source"
	eval "$command"
	library=${command##* -o }
	mv "${library%% *}" "$built.$$"
	ln "$built.$$" "$built" 2>/dev/null || : # the first one stays: somebody may be copying it
	rm -f "$built.$$"
fi
cp "$built" plugin.so.new
mv plugin.so.new plugin.so
