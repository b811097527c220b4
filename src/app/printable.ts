/** JSON of the same value in which no character can act on a terminal or change the order of others; line feeds stay. */
export function printable(json: string): string {
  return json.replaceAll(/[^\P{C}\n]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
