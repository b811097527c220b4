export function toolList(root: string): Promise<string>;
