/** Which kind of thing is wrong, for whoever has to choose what to do next. */
export type ProviderFault =
  /** The order itself cannot be carried out (an argument with a line break, a refused mode). */
  | 'order'
  | 'folder-missing'
  | 'command-missing'
  /** There is nothing to resume: start a new conversation instead. */
  | 'no-conversation'
  /** Another process has the conversation open. */
  | 'in-use'
  /** A process that does not end. */
  | 'process';

/**
 * What a provider rejects with. `sentence` says what is wrong with which thing, `hint` what to do about it.
 */
export class ProviderError extends Error {
  readonly reason: ProviderFault;
  readonly sentence: string;
  readonly hint: string;

  constructor(
    told: { readonly reason: ProviderFault; readonly sentence: string; readonly hint: string },
    cause?: unknown,
  ) {
    super(`${told.sentence} ${told.hint}`, cause === undefined ? {} : { cause });
    this.name = 'ProviderError';
    this.reason = told.reason;
    this.sentence = told.sentence;
    this.hint = told.hint;
  }
}
