namespace RawDiffusion.Images;

/// <summary>A small font for charts: letters of 5×8 dots, the last row for what hangs below the line. Unknown characters are blank.</summary>
internal static class BitmapFont
{
    /// <summary>Dots of a letter across, and from one letter to the next.</summary>
    public const int Width = 5, Advance = 6;

    /// <summary>Dots of a letter from top to bottom, and above the line that it stands on.</summary>
    public const int Height = 8, Ascent = 7;

    // Each letter, then its rows from the top, each a digit in base 32 with the leftmost dot highest.
    private const string Letters =
        "0ehhhhhe0 14c4444e0 2eh168gv0 3eh161he0 426aiv220 5vgu11he0 668guhhe0 7v1244440 8ehhehhe0 9ehhf12c0 "
        + "a00e1fhf0 bgguhhhu0 c00eggge0 d11fhhhf0 e00ehvge0 f698u8880 g00fhhf1e hgguhhhh0 i40c444e0 j206222ic "
        + "kggikoki0 lc44444e0 m00qllll0 n00uhhhh0 o00ehhhe0 p00uhhugg q00fhhf11 r00mpggg0 s00fge1u0 t88u88960 "
        + "u00hhhhf0 v00hhha40 w00hhlla0 x00ha4ah0 y00hhhf1e z00v248v0 A4ahhvhh0 Buhhuhhu0 Cehggghe0 Dsihhhis0 "
        + "Evgguggv0 Fvgguggg0 Gehgnhhe0 Hhhhvhhh0 Ie44444e0 J72222ic0 Khikokih0 Lggggggv0 Mhrllhhh0 Nhppljjh0 "
        + "Oehhhhhe0 Puhhuggg0 Qehhhlid0 Ruhhukih0 Sehge1he0 Tv4444440 Uhhhhhhe0 Vhhhhha40 Whhhllrh0 Xhha4ahh0 "
        + "Yhha44440 Zv1248gv0 .00000cc0 ,00000c48 -000e0000 _000000v0 +044v4400 =00v0v000 :0cc0cc00 /11248gg0 "
        + "%pq248bj0 (24888420 )84222480";

    private static readonly Dictionary<char, string> Rows = Letters.Split(' ').ToDictionary(letter => letter[0], letter => letter[1..]);

    /// <summary>Whether a dot of a letter is set.</summary>
    public static bool IsSet(char letter, int x, int y)
    {
        if (!Rows.TryGetValue(letter, out string? rows))
        {
            return false;
        }
        int row = char.IsAsciiDigit(rows[y]) ? rows[y] - '0' : rows[y] - 'a' + 10;
        return (row >> (Width - 1 - x) & 1) != 0;
    }

    /// <summary>Dots that a text takes from left to right.</summary>
    public static int Measure(string text) => Math.Max(0, text.Length * Advance - (Advance - Width));
}
