/** Letters of other scripts that look like ASCII ones. */

const LOOKS_LIKE = new Map(
  [..."аaеeоoрpсcхxуyіiјjѕsԁdһhԛqԝwɡgɩiοoαaνvіiАAВBЕEКKМMНHОOРPСCТTХXΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX"].reduce<[string, string][]>(
    (pairs, character, index, all) => (index % 2 === 0 ? [...pairs, [character, all[index + 1] ?? ""]] : pairs),
    [],
  ),
);

/** The ASCII letter that a Cyrillic or Greek one is taken for. */
export const lookAlike = (character: string): string | undefined => LOOKS_LIKE.get(character);
