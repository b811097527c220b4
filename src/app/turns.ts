/** Has what it is given done one after the other; what fails keeps nobody behind it. */
export function openTurns(): <T>(act: () => Promise<T>) => Promise<T> {
  let before: Promise<unknown> = Promise.resolve();
  return (act) => {
    const turn = before.then(act);
    before = Promise.allSettled([turn]);
    return turn;
  };
}
