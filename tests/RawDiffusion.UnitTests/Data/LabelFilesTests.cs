using System.Text;
using RawDiffusion.Core;

namespace RawDiffusion.UnitTests.Data;

public class LabelFilesTests
{
    private const string Four = "0.png 1.png 2.png 3.png";

    [Theory]
    [InlineData("edm-labels.zip", "0 1 2", 12, "The classes are those of dataset.json.")]
    [InlineData("edm-no-labels.zip", "", 8, "dataset.json says that there are no classes.")]
    [InlineData("webdataset-cls.tar", "0 1 2", 6, "The classes are those of the .cls files beside the images.")]
    public void StoredSetsHaveTheClassesThatTheirFilesTell(string name, string classes, int count, string said)
    {
        var set = DataCases.Open(DataCases.Find(name));
        Assert.Equal((classes, said), (set.Classes, set.Said));
        Assert.Equal(Enumerable.Range(0, count).Select(i => classes.Length == 0 ? -1 : i % 3), set.Labels);
    }

    [Theory]
    // dataset.json: numbers, one-hot vectors, gaps, a folder above, a file of another meaning.
    [InlineData(Four, "dataset.json", """{"labels": [["0.png", 1], ["1.png", 0], ["2.png", 1], ["3.png", 0]]}""", "0 1", "1 0 1 0", "dataset.json")]
    [InlineData(Four, "dataset.json", """{"labels": [["0.png", [0,0,1]], ["1.png", [1,0,0]], ["2.png", [0,1.0,0]], ["3.png", [0,0,1]]]}""", "0 1 2", "2 0 1 2", "dataset.json")]
    [InlineData(Four, "dataset.json", """{"labels": [["0.png", 7], ["1.png", 1000], ["2.png", 7], ["3.png", 88]]}""", "7 88 1000", "0 2 0 1", "dataset.json")]
    [InlineData("a\\0.png b\\1.png", "dataset.json", """{"labels": [["a/0.png", 1], ["b\\1.png", 0]]}""", "0 1", "1 0", "dataset.json")]
    [InlineData(Four, "dataset.json", """{"name": "mine"}""", "", "-1 -1 -1 -1", "1 .json (no images)")]
    [InlineData("a/0.png b/1.png", "dataset.json", """{"labels": null}""", "", "-1 -1", "says that there are no classes")]
    // metadata: as image folders have it.
    [InlineData(Four, "metadata.csv", "file_name,label\n0.png,dog\n1.png,cat\n2.png,\"bird, small\"\n3.png,dog\n", "bird, small cat dog", "2 1 0 2", "the column label of metadata.csv")]
    [InlineData(Four, "metadata.csv", "\uFEFFlabel;id;file_name\r\n1;a;0.png\r\n0;b;1.png\r\n1;c;2.png\r\n1;d;3.png", "0 1", "1 0 1 1", "the column label of metadata.csv")]
    [InlineData(Four, "metadata.csv", "file_name,species\n0.png,x\n1.png,y\n2.png,y\n3.png,x", "x y", "0 1 1 0", "the column species of metadata.csv")]
    [InlineData(Four, "metadata.csv", "file_name,text\n0.png,a dog\n1.png,a cat\n2.png,a dog\n3.png,a cat", "", "-1 -1 -1 -1", "metadata.csv tells no classes: of its columns (text) none is called label.")]
    [InlineData(Four, "metadata.csv", "file_name,author,year\n0.png,x,1\n1.png,y,1\n2.png,y,2\n3.png,x,2", "", "-1 -1 -1 -1", "of its columns (author, year) none is called label")]
    [InlineData(Four, "metadata.csv", "picture,label\n0.png,x\n", "", "-1 -1 -1 -1", "it has no column file_name")]
    [InlineData(Four, "metadata.csv", "file_name,label\n0.png,x\n1.png,y\n2.png,y\n3.png,x\n4.png,z\n", "x y", "0 1 1 0", "Of the files that metadata.csv names, 1 is not there.")]
    [InlineData(Four, "metadata.jsonl", "{\"file_name\": \"0.png\", \"label\": 1}\n{\"file_name\": \"1.png\", \"label\": 0.0}\n\n{\"file_name\": \"2.png\", \"label\": 1}\n{\"label\": 1, \"file_name\": \"3.png\"}", "0 1", "1 0 1 1", "the column label of metadata.jsonl")]
    [InlineData("train/0.png train/1.png test/0.png", "train/metadata.csv", "file_name,label\n0.png,x\n1.png,y\n", "x y", "0 1", "train/metadata.csv")]
    [InlineData("train/0.png train/1.png test/0.png", "metadata.csv", "file_name,label\ntrain/0.png,x\ntrain/1.png,y\ntest/0.png,y\n", "x y", "0 1", "metadata.csv")]
    [InlineData("a/0.png b/1.png", "metadata.csv", "file_name,label\na/0.png,y\nb/1.png,x", "x y", "1 0", "the column label of metadata.csv")]
    [InlineData("a/0.png b/1.png", "metadata.csv", "file_name,made\na/0.png,x\nb/1.png,x", "a b", "0 1", "metadata.csv tells no classes: the folders do.")]
    // Tables of competitions.
    [InlineData("train/000bec.png train/001513.png train/001cdf.png test/0.png", "labels.csv", "id,breed\n001513,dingo\n000bec,boston\n001cdf,dingo\n", "boston dingo", "0 1 1", "the column breed of labels.csv")]
    [InlineData(Four, "trainLabels.csv", "id,label\n0,frog\n1,truck\n2,frog\n3,cat", "cat frog truck", "1 2 1 0", "the column label of trainLabels.csv")]
    [InlineData(Four, "train.csv", "id,label\n0,frog\n1,truck\n", "", "-1 -1 -1 -1", "train.csv is not used: it tells the class of 2 of 4 images.")]
    [InlineData(Four, "labels.csv", "x,y,w\n1,2,3\n", "", "-1 -1 -1 -1", "labels.csv is not used: of its columns (x, y, w) none names the images")]
    [InlineData(Four, "labels.csv", "id,label\n1\n", "", "-1 -1 -1 -1", "labels.csv is not used: row 2 has 1 fields instead of 2.")]
    [InlineData("a/0.png b/1.png", "labels.csv", "id,label\n0,x\n1,y", "a b", "0 1", "1 .csv (no images)")]
    public void AFileBesideTheImagesTellsTheirClasses(string images, string name, string text, string classes, string labels, string said)
    {
        using var folder = new TempFolder();
        (string, byte[])[] files = [.. DataCases.Files(images.Replace('\\', '/')), (name, Encoding.UTF8.GetBytes(text))];
        foreach (string path in new[] { folder.Write("set.zip", Pictures.Zip(files)), folder.Write("set.tar", Pictures.Tar(files)) })
        {
            var set = DataCases.Open(path);
            Assert.Equal((classes, labels), (set.Classes, string.Join(' ', set.Labels)));
            Assert.Contains(said, set.Said);
        }
    }

    [Theory]
    [InlineData(".cls", "dog\n", "cat", "cat dog", "1 0")]
    [InlineData(".cls", "2", "0", "0 1 2", "2 0")]
    [InlineData(".json", """{"label": "b", "x": [1]}""", """{"label": "a"}""", "a b", "1 0")]
    [InlineData(".json", """{"cls": 1}""", """{"cls": 0}""", "0 1", "1 0")]
    [InlineData(".json", """{"caption": "a dog"}""", "{}", "", "-1 -1")]
    [InlineData(".json", "no JSON", "{}", "", "-1 -1")]
    [InlineData(".txt", "a dog", "a cat", "", "-1 -1")]
    public void AFileBesideEachImageTellsItsClass(string ending, string first, string second, string classes, string labels)
    {
        using var folder = new TempFolder();
        foreach (string path in new[]
        {
            folder.Write("s.tar", Pictures.Tar(("d/0.v.png", Pictures.Png(1, 2, 3)), ($"d/0{ending}", Encoding.UTF8.GetBytes(first)),
                ("d/1.v.png", Pictures.Png(3, 2, 1)), ($"d/1{ending}", Encoding.UTF8.GetBytes(second)))),
        })
        {
            var set = DataCases.Open(path);
            Assert.Equal((classes, labels), (set.Classes, string.Join(' ', set.Labels)));
            Assert.Contains(classes.Length > 0 ? $"the {ending} files beside the images" : $"Read 2 of 4 files in {path}; left out: 2 {ending}", set.Said);
        }
    }

    [Fact]
    public void CaptionsAreNamedAsSuch()
    {
        using var folder = new TempFolder();
        Assert.Contains("1 .txt (captions, which are not used)", DataCases.Open(DataCases.Write(folder, "0.png 0.txt 1.png")).Said);
    }

    [Theory]
    [InlineData("metadata.csv", "file_name,label\n0.png,x\n1.png,y\n2.png,x\n")]
    [InlineData("dataset.json", """{"labels": [["0.png", 1], ["1.png", 0], ["2.png", 1]]}""")]
    [InlineData("0.cls", "7")]
    public void AnImageWithoutAClassIsNamedAndLenientModeLeavesItOut(string name, string text)
    {
        using var folder = new TempFolder();
        DataCases.Write(folder, Four);
        folder.Write(name, Encoding.UTF8.GetBytes(text));
        string message = Assert.Throws<DataException>(() => DataCases.Open(folder.Path)).Message;
        Assert.Contains("tells no class for", message);
        Assert.Contains($"of 4 images, such as {(name == "0.cls" ? "1" : "3")}.png", message);
        var set = DataCases.Open(folder.Path, strict: false);
        Assert.Equal(name == "0.cls" ? 1 : 3, set.Labels.Length);
        Assert.Contains(" .png (without a class)", set.Said);
    }

    [Theory]
    [InlineData("dataset.json", """{"labels": [["0.png", 0.5]]}""", "the label of 0.png is 0.5, neither a class nor a one-hot vector")]
    [InlineData("dataset.json", """{"labels": [["0.png", [0.5, 0.5]]]}""", "neither a class nor a one-hot vector")]
    [InlineData("dataset.json", """{"labels": {"0.png": 1}}""", "instead of a list or null")]
    [InlineData("dataset.json", """{"labels": [3]}""", "an entry is 3 instead of [name, class]")]
    [InlineData("dataset.json", "{", "it is no JSON")]
    [InlineData("metadata.jsonl", "[1]", "line 1 is no JSON object")]
    [InlineData("metadata.csv", "file_name,label\n0.png,x,y\n", "row 2 has 3 fields instead of 2")]
    [InlineData("metadata.csv", "", "it is empty")]
    public void DamageIsNamed(string name, string text, string message)
    {
        using var folder = new TempFolder();
        DataCases.Write(folder, Four);
        folder.Write(name, Encoding.UTF8.GetBytes(text));
        string found = Assert.Throws<DataException>(() => DataCases.Open(folder.Path)).Message;
        Assert.Contains($"{name}, which may tell the images' classes, cannot be read: ", found);
        Assert.Contains(message, found);
    }
}
