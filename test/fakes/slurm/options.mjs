// Command lines as getopt_long reads them: abbreviated long names, joined short ones, `--name value` and `--name=value`.

/**
 * `table` is a list of [long name, short name or '', takes a value]. Stops at the first word that is no option
 * when `stopAtWord` is set. Answers { options: Map, words } or { wrong: text }.
 */
export function readOptions(table, args, stopAtWord) {
  const options = new Map();
  const words = [];
  const rest = [...args];
  const take = (entry, shown, joined) => {
    if (!entry[2])
      return joined !== undefined ? `option '${shown}' doesn't allow an argument` : store(entry[0], '');
    if (joined === undefined && rest.length === 0) return `option '${shown}' requires an argument`;
    return store(entry[0], joined ?? rest.shift());
  };
  const store = (name, value) => void options.set(name, value);
  while (rest.length > 0) {
    const word = rest.shift();
    let wrong;
    if (word === '--') {
      words.push(...rest);
      break;
    } else if (word.startsWith('--')) {
      const [, name, value] = /^--([^=]*)(?:=(.*))?$/s.exec(word);
      const exact = table.filter((entry) => entry[0] === name);
      const found = exact.length > 0 ? exact : table.filter((entry) => entry[0].startsWith(name));
      if (found.length === 0) wrong = `unrecognized option '${word}'`;
      else if (found.length > 1) wrong = `option '${word}' is ambiguous`;
      else wrong = take(found[0], `--${found[0][0]}`, value);
    } else if (word.startsWith('-') && word !== '-') {
      const entry = table.find(([, short]) => short !== '' && short === word[1]);
      if (!entry) wrong = `invalid option -- '${word[1]}'`;
      else if (entry[2]) wrong = take(entry, word[1], word.slice(2) || undefined);
      else {
        wrong = take(entry, word[1]);
        if (word.length > 2) rest.unshift(`-${word.slice(2)}`);
      }
    } else {
      words.push(word);
      if (!stopAtWord) continue;
      words.push(...rest);
      break;
    }
    if (wrong) return { wrong };
  }
  return { options, words };
}

/** What SLURM's commands say about a wrong command line. */
export const complaint = (command, text) => [
  `${command}: ${text}`,
  `Try "${command} --help" for more information`,
];
