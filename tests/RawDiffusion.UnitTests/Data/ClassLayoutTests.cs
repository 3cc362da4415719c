using RawDiffusion.Core;

namespace RawDiffusion.UnitTests.Data;

public class ClassLayoutTests
{
    /// <summary>What folders mean: the classes and how many images are taken, as before for all sets that were read rightly then.</summary>
    [Theory]
    [InlineData("a.png b.png", "", 2, "")]
    [InlineData("x/y/a.png x/y/b.png", "", 2, "")]
    [InlineData("cat/a.png dog/a.png dog/b.png", "cat dog", 3, "")]
    [InlineData("onec/cat/1.png onec/cat/2.png", "", 2, "")]
    [InlineData("0/a.png 1/a.png 10/a.png 11/a.png 2/a.png", "0 1 10 11 2", 5, "")]
    [InlineData("s/train/cat/a.png s/train/dog/a.png s/test/cat/a.png s/valid/dog/a.png", "cat dog", 2, "left out: 1 in test/, 1 in valid/ (train/ is taken)")]
    [InlineData("Train/cat/a.png Train/dog/a.png Test/cat/a.png", "cat dog", 2, "1 in Test/")]
    [InlineData("training/a.png validation/a.png evaluation/b.png", "", 1, "left out: 1 in evaluation/, 1 in validation/")]
    [InlineData("train/a.png stray.png", "", 1, "Read 1 of 2 files")]
    [InlineData("bus/1.png car/1.png car/2.png train/1.png", "bus car train", 4, "train/ is taken for a class, as the folders beside are")]
    [InlineData("train/1.png tram/1.png", "train tram", 2, "train/ is taken for a class")]
    [InlineData("images/1.png masks/1.png", "images masks", 2, "images/, masks/ are taken for classes, as the folders of a set are; to train on one folder alone, give its path")]
    [InlineData("trainA/1.png trainB/1.png", "trainA trainB", 2, "are taken for classes")]
    [InlineData("test/a.png val/a.png", "test val", 2, "are taken for classes")]
    [InlineData("valley/a.png testudo/a.png developer/a.png", "developer testudo valley", 3, "")]
    [InlineData("a/1.png b/ c/1.png", "a c", 2, "b/ (no image in it)")]
    [InlineData("a/1.png b/1.heic c/1.png", "a c", 2, "1 .heic (of no image format that is read); b/ (no image in it)")]
    [InlineData("cat/1.png 00000/img00000000.png", "00000 cat", 2, "")]
    [InlineData("00000/img00000000.png 00000/img00000001.png 00001/img00001000.png", "", 3, "The folders 00000/ to 00001/ are taken for shards")]
    [InlineData("00000/00000.png 00000/00999.png 01000/01000.png", "", 3, "00000/ to 01000/ are taken for shards")]
    [InlineData("00000/00000_00000.png 00000/00000_00001.png 00001/00000_00000.png", "00000 00001", 3, "")]
    public void FoldersAreClassesOrSplitsOrShards(string names, string classes, int count, string said)
    {
        using var folder = new TempFolder();
        using var packed = new TempFolder();
        string[] paths = [DataCases.Write(folder, names), packed.Write("set.zip", Pictures.Zip(DataCases.Files(names)))];
        // A zip tells of no empty folder.
        foreach (string path in names.Contains("/ ", StringComparison.Ordinal) ? paths[..1] : paths)
        {
            var set = DataCases.Open(path);
            Assert.Equal((classes, count), (set.Classes, set.Labels.Length));
            Assert.Contains(said, set.Said);
            Assert.Equal(said.Length == 0, set.Said.Length == 0);
        }
    }

    [Theory]
    [InlineData("bus/1.png test/1.png train/1.png")]
    [InlineData("train/cat/1.png train/dog/1.png extra/1.png")]
    [InlineData("train/1.png masks/1.png")]
    public void WhereTrainMayBeEitherItIsAskedAndItsPathWorks(string names)
    {
        using var folder = new TempFolder();
        string path = folder.Write("set.zip", Pictures.Zip(DataCases.Files(names)));
        string message = Assert.Throws<DataException>(() => DataCases.Open(path)).Message;
        Assert.Contains("whether it is the part of the set to train on or a class called train cannot be told. Give the path of train/", message);
        Assert.Equal(names.Split(' ').Count(name => name.StartsWith("train/", StringComparison.Ordinal)), DataCases.Open($"{path}/train").Labels.Length);
    }

    [Fact]
    public void TheLineStaysShortWhateverIsLeftOut()
    {
        using var folder = new TempFolder();
        DataCases.Write(folder, "a.png " + string.Join(' ', Enumerable.Range(0, 40).Select(i => $"{i}.x{i}")) + " " + string.Join(' ', Enumerable.Range(0, 40).Select(i => $"empty{i}/")));
        string said = DataCases.Open(folder.Path).Said;
        Assert.StartsWith($"Read 1 of 41 files in {folder.Path}; left out: 1 .x0, 1 .x1, 1 .x10, 1 .x11, 1 .x12 and 35 more (of no image format that is read); empty0/", said);
        Assert.True(said.Length < 400, said);
    }
}
