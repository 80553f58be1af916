# completion.bash - asks the command what may stand here, and knows nothing itself.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash

# A word as it was typed, without its quoting: in _barepool_word.
_barepool_unquote()
{
	local rest=$1 quote='' c

	_barepool_word=
	while [[ $rest ]]; do
		c=${rest:0:1}
		rest=${rest:1}
		case $quote$c in
		"'" | '"')	quote=$c ;;
		"''" | '""')	quote= ;;
		\\ | \"\\)	_barepool_word+=${rest:0:1}
				rest=${rest:1} ;;
		*)		_barepool_word+=$c ;;
		esac
	done
}

_barepool()
{
	local rest=${COMP_LINE:0:COMP_POINT} typed=() words=() found=() i word out status fixed=

	# bash has cut the line at more than blanks, at = and : for example.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		if ((i == 0)) || [[ $rest == [[:blank:]]* ]]; then
			rest=${rest#"${rest%%[![:blank:]]*}"}
			typed+=('')
		fi
		word=${COMP_WORDS[i]}
		((i == COMP_CWORD)) && word=$rest
		typed[-1]+=$word
		rest=${rest#"$word"}
	done
	for word in "${typed[@]:1}"; do
		_barepool_unquote "$word"
		words+=("$_barepool_word")
	done

	out=$("$1" complete -- "${words[@]}" 2>/dev/null)
	status=$?
	# Nothing is no; nothing, successfully, is a file, which bash finds itself.
	((status == 0)) || compopt +o default
	[[ $out ]] || return
	mapfile -t found <<<"$out"

	# What stands before a = or a : stays where it is.
	word=${typed[-1]}
	if [[ $word != [\'\"]* && $word == *[=:]* ]]; then
		_barepool_unquote "${word%"${word##*[=:]}"}"
		fixed=$_barepool_word
	fi
	for out in "${found[@]}"; do
		[[ $out != *= ]] || compopt -o nospace
		out=${out#"$fixed"}
		# %q would have a backslash before a comma, too
		[[ $word == [\'\"]* || $out != *[!a-zA-Z0-9_=,.:/@%+-]* ]] ||
			printf -v out %q "$out"
		COMPREPLY+=("$out")
	done
}

complete -o default -F _barepool barepool
